import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../cluster/leftovers.ts';

/** `scripts/bench NAME …`: each measurement is a file beside this one that exports `run(arguments)`. */
interface Benchmark {
  readonly run: (values: readonly string[]) => Promise<void>;
}

/** Of folders below .run: the number of the process comes next. */
const PREFIX = 'b';

const available = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));
const [name = '', ...rest] = process.argv.slice(2);
if (!available.includes(name)) {
  process.stderr.write(`usage: scripts/bench ${available.join('|')} [--json FILE] …\n`);
  process.exitCode = name === '' ? 0 : 2;
} else {
  const benchmark = (await import(`./${name}.bench.ts`)) as Benchmark;
  // Nothing of a measurement lies outside the checkout, whoever it starts.
  sweep();
  const folder = temporaryFolder(`${PREFIX}${process.pid}-`);
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await benchmark.run(rest);
}

/** Takes away what measurements left that were interrupted: one that only computes hears of no signal. */
function sweep(): void {
  const folder = join(import.meta.dirname, '../../.run');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}
