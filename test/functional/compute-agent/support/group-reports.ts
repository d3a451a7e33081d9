import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the stand-in for LVM: a group is a folder with its size, a record for each volume, and what is reported of them. */

export const EXTENT_BYTES = 4 * 1024 ** 2;

export interface Volume {
  readonly name: string;
  readonly size_bytes: number;
  readonly tags: readonly string[];
  readonly device: string;
}

export const groupFolder = (root: string, group: string) => join(root, 'groups', group);
export const linkOf = (root: string, group: string, name: string) => join(root, 'dev', group, name);

export const volumesIn = (root: string, group: string): readonly Volume[] =>
  readdirSync(groupFolder(root, group))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(groupFolder(root, group), name), 'utf8')) as Volume);

const sizeOf = (root: string, group: string) =>
  Number(readFileSync(join(groupFolder(root, group), 'size'), 'utf8'));

export const freeBytes = (root: string, group: string): number =>
  volumesIn(root, group).reduce((free, { size_bytes }) => free - size_bytes, sizeOf(root, group));

/** What `vgs` and `lvs` print with `--reportformat json --units b --nosuffix`. */
export function writeReports(root: string, group: string): void {
  const figures = {
    vg_size: String(sizeOf(root, group)),
    vg_free: String(freeBytes(root, group)),
    vg_extent_size: String(EXTENT_BYTES),
  };
  const volumes = volumesIn(root, group).map(({ name, size_bytes, tags }) => ({
    lv_name: name,
    lv_size: String(size_bytes),
    lv_tags: tags.join(','),
    lv_path: linkOf(root, group, name),
  }));
  const write = (program: string, report: unknown): void => {
    const path = join(groupFolder(root, group), `${program}.report`);
    writeFileSync(`${path}.draft`, JSON.stringify({ report: [report] }));
    renameSync(`${path}.draft`, path);
  };
  write('vgs', { vg: [figures] });
  write('lvs', { lv: volumes });
}
