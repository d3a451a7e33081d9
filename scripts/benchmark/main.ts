import { readdirSync, rmSync } from 'node:fs';
import { temporaryFolder } from '../cluster/leftovers.ts';

/** `scripts/bench NAME …`: each measurement is a file beside this one that exports `run(arguments)`. */
interface Benchmark {
  readonly run: (values: readonly string[]) => Promise<void>;
}

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
  const folder = temporaryFolder('bench-');
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await benchmark.run(rest);
}
