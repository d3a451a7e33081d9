import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cluster } from './moving.ts';

/** Bytes that the file takes on the disk, holes left out. */
export const allocatedBytes = (file: string) => statSync(file).blocks * 512;

/** A copy takes seconds, and who is dead is noticed soon. */
export const slowCopies = [
  'DEFAULT.use_cow_images=false',
  'mover.limit_bytes_per_second=1MiB',
  'drover.lease_seconds=5',
].flatMap((setting) => ['--set', setting]);

/** How hosts misbehave from now on; a change of the file takes effect at once. */
export function turnKnobs(knobs: object): void {
  for (const { name, instances_path } of cluster.description.hosts) {
    const file = join(instances_path, '..', 'state', 'fake-knobs.json');
    expect(existsSync(join(file, '..')), `the state of ${name}`).toBe(true);
    writeFileSync(`${file}.new`, JSON.stringify(knobs));
    renameSync(`${file}.new`, file);
  }
}
