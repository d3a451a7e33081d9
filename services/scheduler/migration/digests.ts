import type { DiskDigest } from '../../../shared/messaging/commands.ts';

/**
 * Compares what was read at the source with what lies on the target's disk.
 * @returns null if every disk is there and equal, else one sentence that names the first difference.
 */
export function differingDisk(source: readonly DiskDigest[], target: readonly DiskDigest[]): string | null {
  const found = new Map(target.map((digest) => [digest.name, digest]));
  for (const expected of source) {
    const actual = found.get(expected.name);
    if (actual === undefined) return `Disk ${expected.name} was sent but is not on the target.`;
    if (actual.algorithm !== expected.algorithm || actual.digest !== expected.digest) {
      return (
        `Disk ${expected.name} differs: the source read ${expected.algorithm} ${short(expected.digest)} over ` +
        `${expected.size_bytes} bytes, the target holds ${short(actual.digest)} over ${actual.size_bytes} bytes.`
      );
    }
  }
  if (target.length !== source.length) {
    return `The target holds ${target.length} disks, the source sent ${source.length}.`;
  }
  return null;
}

const short = (digest: string): string => `${digest.slice(0, 16)}…`;
