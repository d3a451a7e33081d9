/**
 * Writes the files that come from declarations, or with --check says which of them are not up to date.
 *
 *   node scripts/generate/main.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generatedFiles } from './generated-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const { name, text } of generatedFiles()) {
  const file = join(root, name);
  if (read(file) === text) continue;
  if (values.check) {
    process.stderr.write(`${name} is not up to date: run node scripts/generate/main.ts\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    process.stdout.write(`wrote ${name}\n`);
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
