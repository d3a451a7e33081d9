import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceId, type InstanceId } from '../../../shared/domain/ids.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { Sweeper } from '../sweeper.ts';

const EXTRACTION = /^\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.extracting\.[0-9a-f]{12}$/;

/**
 * An extracted file that is still to be uploaded waits for a scheduler, and may do so for as long as an outage takes that
 * somebody mends by hand. One that is lost after that costs a new extraction.
 */
const KEPT_SECONDS = 6 * 3600;
const INTERVAL_SECONDS = 600;

/**
 * Removes extracted disks that nobody will ask for any more: an `extract` that comes late, to an agent that was started since it
 * was discarded, is done like any other, and what it makes would lie here until the next start.
 */
export class ExtractionSweeper extends Sweeper {
  readonly #options: ExtractionSweeperOptions;

  constructor(options: ExtractionSweeperOptions) {
    const { interval_seconds = INTERVAL_SECONDS, log } = options;
    super({ interval_seconds, failure: 'extracted disks were not swept', log });
    this.#options = options;
  }

  protected async sweep(): Promise<void> {
    const { instances_path, isBusy, log, kept_seconds = KEPT_SECONDS } = this.#options;
    for (const name of await readdir(instances_path)) {
      const [, id] = EXTRACTION.exec(name) ?? [];
      if (id === undefined) continue;
      const folder = join(instances_path, name);
      const touched_at = await lastTouched(folder);
      if (touched_at === null || Date.now() - touched_at < kept_seconds * 1000) continue;
      // Looking and renaming are one moment, so that no command begins in between.
      if (isBusy(instanceId(id))) continue;
      const passing = join(instances_path, `.${id}.extracting.${randomBytes(6).toString('hex')}`);
      renameSync(folder, passing);
      await rm(passing, { recursive: true, force: true });
      log.warn({ instance_id: id }, 'an extracted disk was removed: nobody had asked for it for long');
    }
  }
}

export interface ExtractionPatience {
  /** Since it was written last. Default: six hours. */
  readonly kept_seconds?: number;
  /** Default: ten minutes. */
  readonly interval_seconds?: number;
}

interface ExtractionSweeperOptions extends ExtractionPatience {
  readonly instances_path: string;
  /** Whether a command of this instance runs or waits. */
  readonly isBusy: (id: InstanceId) => boolean;
  readonly log: Logger;
}

/** Milliseconds since 1970; null: it has gone meanwhile. */
async function lastTouched(folder: string): Promise<number | null> {
  try {
    const names = await readdir(folder);
    const found = await Promise.all(
      [folder, ...names.map((name) => join(folder, name))].map((path) => stat(path)),
    );
    return Math.max(...found.map(({ mtimeMs }) => mtimeMs));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
