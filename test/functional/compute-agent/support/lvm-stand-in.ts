import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  EXTENT_BYTES,
  freeBytes,
  groupFolder,
  linkOf,
  volumesIn,
  writeReports,
  type Volume,
} from './group-reports.ts';

/**
 * `node lvm-stand-in.ts FOLDER KIND PROGRAM ARGUMENTS…`: what `lvcreate` and `lvremove` do, of the options that we use, for
 * machines without a device mapper. A volume is a file, with a loop device if KIND says so. As with LVM a new volume holds what was there
 * before, and one that is open is not removed. Messages and exit codes are LVM2 2.03's.
 */

const FAILED = 5;

const [root = '', kind = '', program = '', ...words] = process.argv.slice(2);

class Refusal extends Error {}

function optionsOf(known: readonly string[]): { options: Map<string, string>; rest: string[] } {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) rest.push(word);
    else if (word === '--yes') options.set(word, '');
    else if (known.includes(word)) options.set(word, words[(at += 1)] ?? '');
    else throw new Refusal(`unrecognized option '${word}'`);
  }
  return { options, rest };
}

function lvcreate(): void {
  const { options, rest } = optionsOf(['--wipesignatures', '--addtag', '--size', '--name']);
  const [group = ''] = rest;
  const name = options.get('--name') ?? '';
  if (volumesIn(root, group).some((volume) => volume.name === name))
    throw new Refusal(`Logical Volume "${name}" already exists in volume group "${group}"`);
  const asked = /^(\d+)b$/.exec(options.get('--size') ?? '')?.[1];
  if (asked === undefined) throw new Refusal('Invalid argument for --size');
  const extents = Math.ceil(Number(asked) / EXTENT_BYTES);
  const free = freeBytes(root, group) / EXTENT_BYTES;
  if (extents > free)
    throw new Refusal(
      `Volume group "${group}" has insufficient free space (${free} extents): ${extents} required.`,
    );
  const size_bytes = extents * EXTENT_BYTES;
  const file = join(groupFolder(root, group), `${name}.img`);
  leaveRemains(file, size_bytes);
  const device = kind === 'files' ? file : loopDevice(file);
  const volume: Volume = { name, size_bytes, tags: [options.get('--addtag') ?? ''], device };
  writeFileSync(join(groupFolder(root, group), `${name}.json`), JSON.stringify(volume));
  mkdirSync(join(root, 'dev', group), { recursive: true });
  symlinkSync(device, linkOf(root, group, name));
  writeReports(root, group);
}

const loopDevice = (file: string) =>
  execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();

/** Of an earlier owner: in the first extent and in the last. */
function leaveRemains(file: string, size_bytes: number): void {
  const descriptor = openSync(file, 'w');
  ftruncateSync(descriptor, size_bytes);
  const remains = Buffer.alloc(EXTENT_BYTES, 'somebody else');
  for (const at of [0, size_bytes - EXTENT_BYTES]) writeSync(descriptor, remains, 0, remains.length, at);
  closeSync(descriptor);
}

function lvremove(): void {
  const [path = ''] = optionsOf([]).rest;
  const [group = '', name = ''] = path.split('/');
  const volume = volumesIn(root, group).find((candidate) => candidate.name === name);
  if (volume === undefined) throw new Refusal(`Failed to find logical volume "${path}"`);
  if (isOpen(volume.device)) throw new Refusal(`Logical volume ${path} in use.`);
  if (kind !== 'files') execFileSync('losetup', ['--detach', volume.device]);
  rmSync(linkOf(root, group, name), { force: true });
  for (const ending of ['img', 'json']) rmSync(join(groupFolder(root, group), `${name}.${ending}`));
  writeReports(root, group);
}

function isOpen(device: string): boolean {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const folder = `/proc/${pid}/fd`;
      if (readdirSync(folder).some((fd) => readlinkSync(join(folder, fd)) === device)) return true;
    } catch {
      // It has ended, or closed one of them.
    }
  }
  return false;
}

try {
  if (program === 'lvcreate') lvcreate();
  else if (program === 'lvremove') lvremove();
  else throw new Refusal(`no such program: ${program}`);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`  ${error.message}\n`);
  process.exitCode = FAILED;
}
