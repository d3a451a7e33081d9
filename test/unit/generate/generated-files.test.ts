import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatedFiles } from '../../../scripts/generate/generated-files.ts';
import { loadConfiguration } from '../../../shared/config/configuration.ts';

const root = join(import.meta.dirname, '../../..');

test.each(generatedFiles().map((file) => [file.name, file.text]))(
  '%s is what the declarations say (node scripts/generate/main.ts)',
  (name, text) => {
    expect(readFileSync(join(root, name), 'utf8')).toBe(text);
  },
);

test('the sample configuration, with every default written out, is the default configuration', () => {
  const sample = generatedFiles().find((file) => file.name === 'etc/drover.conf')?.text ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'sample-'));
  try {
    const file = join(folder, 'drover.conf');
    writeFileSync(file, sample.replaceAll(/^#(\w+ =(?! <).*)$/gm, '$1'));
    const empty = join(folder, 'empty.conf');
    writeFileSync(empty, '');
    expect(loadConfiguration([file])).toEqual(loadConfiguration([empty]));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
