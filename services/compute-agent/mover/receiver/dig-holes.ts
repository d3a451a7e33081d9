import { execFile } from 'node:child_process';
import { join } from 'node:path';

/**
 * Turns zeros that a later round wrote into holes again. Node has no call for it; `fallocate` is in util-linux.
 * A file system that has no holes keeps the zeros: that is no failure.
 */
export function digHoles(folder: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    execFile(
      'fallocate',
      ['--dig-holes', join(folder, name)],
      { env: { PATH: process.env['PATH'] ?? '' } },
      () => resolve(),
    );
  });
}
