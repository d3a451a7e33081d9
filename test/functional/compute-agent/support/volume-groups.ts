import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lvm } from '../../../../services/compute-agent/volumes/lvm.ts';
import { hostName } from '../../../../shared/domain/ids.ts';
import { linkOf, writeReports } from './group-reports.ts';

/** Null: this machine has loop devices that we may use; else what losetup says. Some containers have none. */
export const missingLoopDevices = ((): string | null => {
  const found = spawnSync('losetup', ['--find'], { encoding: 'utf8' });
  if (found.status === 0) return null;
  return found.error?.message ?? found.stderr.trim();
})();

/** For a test's name: why it was skipped. */
export const loopSuffix =
  missingLoopDevices === null ? '' : ` (skipped, no loop devices: ${missingLoopDevices})`;

/** What volumes are made of. Of files everything is as with LVM but that a disk is no block device. */
export type VolumeKind = 'loop devices' | 'files';
export const bestKind: VolumeKind = missingLoopDevices === null ? 'loop devices' : 'files';
/** For a test's name: what it was done without. */
export const kindSuffix =
  missingLoopDevices === null ? '' : ` (in files, no loop devices: ${missingLoopDevices})`;

const STAND_IN = fileURLToPath(new URL('lvm-stand-in.ts', import.meta.url));

/** Of the group that is the last argument. A shell: agents ask often, and a process of ours takes long to start. */
const showReport = (root: string, program: string) => `for group; do :; done
if [ -d '${root}/groups/'"$group" ]; then exec cat '${root}/groups/'"$group"'/${program}.report'; fi
printf '  Volume group "%s" not found\\n  Cannot process volume group %s\\n' "$group" "$group" >&2
exit 5`;

/** A machine's volume groups, made of files and, if wanted, loop devices. To be closed: loop devices are few. */
export class VolumeGroups {
  readonly #root: string;

  readonly kind: VolumeKind;

  /** @param root a folder of its own */
  constructor(root: string, kind: VolumeKind) {
    this.#root = root;
    this.kind = kind;
    mkdirSync(join(root, 'programs'), { recursive: true });
    mkdirSync(join(root, 'groups'));
    for (const program of ['vgs', 'lvs', 'lvcreate', 'lvremove']) {
      const change = `exec '${process.execPath}' '${STAND_IN}' '${root}' '${kind}' ${program} "$@"`;
      const script = program === 'vgs' || program === 'lvs' ? showReport(root, program) : change;
      writeFileSync(join(root, 'programs', program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
  }

  get search_path(): string {
    return `${join(this.#root, 'programs')}:${process.env['PATH'] ?? ''}`;
  }

  /** As the agent of that host sees them. */
  of(host: string): Lvm {
    return new Lvm({ host: hostName(host), search_path: this.search_path });
  }

  add(group: string, size_bytes: number): void {
    mkdirSync(join(this.#root, 'groups', group));
    writeFileSync(join(this.#root, 'groups', group, 'size'), String(size_bytes));
    writeReports(this.#root, group);
  }

  /** Names of the volumes that are there. */
  volumes(group: string): readonly string[] {
    return readdirSync(join(this.#root, 'groups', group))
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort();
  }

  /** As when the group is not active: LVM names the volume, and its device is not there. @returns makes it active again */
  deactivate(group: string, name: string): () => void {
    const device = linkOf(this.#root, group, name);
    renameSync(device, `${device}.away`);
    return () => renameSync(`${device}.away`, device);
  }

  close(): void {
    const groups = join(this.#root, 'groups');
    for (const group of this.kind === 'loop devices' && existsSync(groups) ? readdirSync(groups) : [])
      for (const volume of this.volumes(group)) {
        const record = readFileSync(join(groups, group, `${volume}.json`), 'utf8');
        execFileSync('losetup', ['--detach', (JSON.parse(record) as { device: string }).device]);
      }
    rmSync(this.#root, { recursive: true, force: true });
  }
}
