import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { leftovers, strayBefore, temporaryFolder } from './leftovers.ts';
import { runProgram, usageError } from './program.ts';

const help = `usage: scripts/test [checks] [unit] [functional] [e2e]

Runs the checks (types, lint, format, generated files …) and the tests, or the named parts. Needs nothing but the
checkout: it installs what is missing and starts its own servers. The last line is "N passed, N failed".
`;

const root = join(import.meta.dirname, '../..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);
const parts = ['checks', 'unit', 'functional', 'e2e'] as const;
type Part = (typeof parts)[number];
const isPart = (name: string): name is Part => (parts as readonly string[]).includes(name);

class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  readonly #failures: string[] = [];

  add(passed: number, failed: number, skipped = 0): void {
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
  }

  /** Counts one check and says how it went. */
  check(name: string, complaint: string | null): void {
    process.stdout.write(`${complaint === null ? '✓' : '✗'} ${name}\n${complaint ?? ''}`);
    if (complaint !== null) this.#failures.push(name);
    this.add(complaint === null ? 1 : 0, complaint === null ? 0 : 1);
  }

  /** Nothing may be printed after this. */
  print(): void {
    if (this.#failures.length > 0) process.stdout.write(`\nfailed: ${this.#failures.join(', ')}\n`);
    const tail = this.skipped > 0 ? `, ${this.skipped} skipped` : '';
    process.stdout.write(`\n${this.passed} passed, ${this.failed} failed${tail}\n`);
  }
}

/** Runs a program in the checkout; each line of its output goes to `onLine`. @returns its exit code */
async function runLines(
  command: string,
  words: readonly string[],
  onLine: (line: string) => void,
): Promise<number> {
  const child = spawn(command, [...words], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const readAll = async (stream: NodeJS.ReadableStream) => {
    for await (const line of createInterface({ input: stream })) onLine(line);
  };
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  await Promise.all([readAll(child.stdout), readAll(child.stderr)]);
  return ended;
}

/** Every script `check:*` of package.json: a new check is part of the tests by its name alone. */
async function runChecks(tally: Tally): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const checks = Object.keys(scripts).filter((name) => name.startsWith('check:'));
  for (const check of checks) {
    const output: string[] = [];
    const code = await runLines('npm', ['run', '--silent', check], (line) => output.push(line));
    tally.check(check, code === 0 ? null : `${output.join('\n')}\n`);
  }
}

/** Runs one vitest project. Its own count, the last such line, goes into the sum instead of being shown. */
async function runProject(project: string, tally: Tally): Promise<void> {
  let counted: RegExpExecArray | null = null;
  const code = await runLines(process.execPath, [bin('vitest'), 'run', '--project', project], (line) => {
    const found = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line);
    if (found === null) process.stdout.write(`${line}\n`);
    else counted = found;
  });
  const numbers = ((counted ?? []) as readonly (string | undefined)[])
    .slice(1)
    .map((text) => Number(text ?? 0));
  const [passed = 0, failed = 0, skipped = 0] = numbers;
  tally.add(passed, failed, skipped);
  if (failed === 0 && code !== 0)
    tally.check(`vitest project ${project}`, `it ended with exit code ${code}\n`);
}

async function checkLeftovers(folder: string, before: ReadonlySet<string>, tally: Tally): Promise<void> {
  const left = await leftovers(folder, before);
  tally.check('nothing is left behind', left.length === 0 ? null : `${left.join('\n')}\n`);
}

await runProgram(async (argv) => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = positionals.find((name) => !isPart(name));
  if (unknown !== undefined)
    throw usageError(`there is no part "${unknown}"; there are: ${parts.join(', ')}`);
  const wanted = parts.filter((part) => positionals.length === 0 || positionals.includes(part));
  const tally = new Tally();
  const before = await strayBefore();
  const folder = temporaryFolder();
  process.env['TMPDIR'] = folder;
  for (const part of wanted) await (part === 'checks' ? runChecks(tally) : runProject(part, tally));
  await checkLeftovers(folder, before, tally);
  tally.print();
  return tally.failed === 0 ? 0 : 1;
});
