import { computeErrors } from '../../shared/errors/compute-errors.ts';
import { identityErrors } from '../../shared/errors/identity-errors.ts';
import { imageErrors } from '../../shared/errors/image-errors.ts';
import { migrationErrors } from '../../shared/errors/migration-errors.ts';
import { moverErrors } from '../../shared/errors/mover-errors.ts';
import { operationsErrors } from '../../shared/errors/operations-errors.ts';
import type { ErrorEntry } from '../../shared/errors/registry.ts';
import { table } from './text.ts';

const areas: ReadonlyArray<readonly [string, Readonly<Record<string, ErrorEntry>>]> = [
  ['Compute API', computeErrors],
  ['Identity API', identityErrors],
  ['Image API', imageErrors],
  ['Placement and migration', migrationErrors],
  ['Hosts and the mover', moverErrors],
  ['Operations', operationsErrors],
];

const OPENING = `# Errors

<!-- Generated from shared/errors by scripts/generate: change it there. -->

Every error has a code that never changes its meaning; match by it, not by the text. Drover's own API and CLI show
the code and the advice; the Compute, Identity and Image APIs answer in the envelopes of Nova, Keystone and Glance
with their texts. \`{name}\` is filled in.
`;

/** The text of docs/errors.md. */
export function errorReference(): string {
  const body = areas.map(([area, errors]) => {
    const rows = Object.entries(errors).map(([code, entry]) => [
      `\`${code}\``,
      String(entry.http_status),
      entry.message,
      entry.advice,
    ]);
    return rows.length === 0
      ? null
      : `## ${area}\n\n${table(['code', 'status', 'message', 'what to do'], rows)}\n`;
  });
  return `${OPENING}\n${body.filter((text) => text !== null).join('\n')}`;
}
