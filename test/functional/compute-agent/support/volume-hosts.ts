import { lstatSync, mkdtempSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { MarkedDisk } from '../../../../services/compute-agent/folders/mark.ts';
import type { InstanceSpec } from '../../../../shared/domain/instance-spec.ts';
import { qemuImg } from '../disk-images.ts';
import { openHosts, type DiskPair } from '../disk-pair.ts';
import { VolumeGroups, type VolumeKind } from './volume-groups.ts';

const MEBIBYTE = 1024 ** 2;
export const GROUP = 'instances';
export const RAW_BYTES = 17 * MEBIBYTE + 4096;

/** Raw, with data at both ends, and no multiple of an extent. */
export const rawDisk = (folder: string): readonly MarkedDisk[] => {
  const disk = join(folder, 'disk');
  writeFileSync(disk, Buffer.alloc(MEBIBYTE, 'begin'));
  truncateSync(disk, RAW_BYTES - 4096);
  writeFileSync(disk, Buffer.alloc(4096, 'end'), { flag: 'a' });
  return [{ name: 'disk', format: 'raw', backing: null }];
};

export const volumeName = ({ id }: InstanceSpec) => `${id}_disk`;

export const inVolumes = (groups: VolumeGroups, host: string, group = GROUP) => ({
  settings: { images_type: 'lvm', images_volume_group: group, use_cow_images: true } as const,
  volumes: groups.of(host),
});

/** Two hosts and a group of 64 MiB for each test; nothing of them is left after it. */
export class VolumeHosts {
  groups!: VolumeGroups;
  #pair: DiskPair | null = null;

  constructor(kind: VolumeKind) {
    beforeEach(() => {
      this.groups = new VolumeGroups(mkdtempSync(join(tmpdir(), 'drover-volumes-')), kind);
      this.groups.add(GROUP, 64 * MEBIBYTE);
    });
    afterEach(async () => {
      try {
        await this.#pair?.close();
      } finally {
        this.#pair = null;
        this.groups.close();
      }
    });
  }

  get pair(): DiskPair {
    if (this.#pair === null) throw new Error('no hosts were opened');
    return this.#pair;
  }

  async open(...hosts: Parameters<typeof openHosts>): Promise<void> {
    this.#pair = await openHosts(...hosts);
  }

  /** From a host with files to one with volumes. */
  toVolumes(): Promise<void> {
    return this.open({}, inVolumes(this.groups, 'target'));
  }

  /** Each with a group of its own. */
  async betweenVolumes(): Promise<void> {
    this.groups.add('others', 64 * MEBIBYTE);
    await this.open(inVolumes(this.groups, 'source', 'others'), inVolumes(this.groups, 'target'));
  }

  home(spec: InstanceSpec, ...names: readonly string[]): string {
    return join(this.pair.target.instances_path, spec.id, ...names);
  }

  source(spec: InstanceSpec, ...names: readonly string[]): string {
    return join(this.pair.source.instances_path, spec.id, ...names);
  }

  staged(spec: InstanceSpec, name: string): string {
    return join(this.pair.target.instances_path, `${spec.id}.staging`, name);
  }

  /** True of a link to a volume's device. */
  isVolume(path: string): boolean {
    return isLink(path) && statSync(path).isBlockDevice() === (this.groups.kind === 'loop devices');
  }

  /** A raw file with what a guest sees of a disk now. */
  viewOf(path: string, format: 'raw' | 'qcow2' = 'raw'): string {
    const view = join(this.pair.root, 'view');
    qemuImg('convert', '-f', format, '-O', 'raw', path, view);
    return view;
  }
}

export const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink();
