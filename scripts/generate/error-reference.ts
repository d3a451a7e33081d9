import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorRegistry, type ErrorEntry } from '../../shared/errors/registry.ts';
import { table } from './text.ts';

const folder = fileURLToPath(new URL('../../shared/errors', import.meta.url));

const OPENING = `# Errors

<!-- Generated from shared/errors by scripts/generate: change it there. -->

Every error has a code that never changes its meaning; match by it, not by the text. Drover's own API and CLI show
the code and the advice; the Compute, Identity and Image APIs answer in the envelopes of Nova, Keystone and Glance
with their texts. \`{name}\` is filled in.
`;

/**
 * The text of docs/errors.md: one table per area. Areas are found, not listed, so that none can be forgotten.
 * @throws Error when the registry has a code that no area's file holds
 */
export function errorReference(): string {
  const registered: Readonly<Record<string, ErrorEntry>> = errorRegistry;
  const left = new Set(Object.keys(registered));
  const parts: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const area = /^(.+)-errors\.ts$/.exec(file)?.[1];
    if (area === undefined) continue;
    const codes = codesIn(readFileSync(join(folder, file), 'utf8')).filter((code) => left.delete(code));
    const rows = codes.flatMap((code) => {
      const entry = registered[code];
      return entry === undefined
        ? []
        : [[`\`${code}\``, String(entry.http_status), entry.message, entry.advice]];
    });
    if (rows.length > 0)
      parts.push(
        `## ${area.charAt(0).toUpperCase()}${area.slice(1).replaceAll('-', ' ')}\n\n${table(['code', 'status', 'message', 'what to do'], rows)}\n`,
      );
  }
  if (left.size > 0) throw new Error(`no file of shared/errors holds ${[...left].join(', ')}`);
  return `${OPENING}\n${parts.join('\n')}`;
}

/** The keys of a file's one object, in its order. */
function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/^ {2}(\w+): [{a-z]/gm)].map((match) => match[1] ?? '');
}
