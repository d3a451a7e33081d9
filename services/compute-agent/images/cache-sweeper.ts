import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { Sweeper } from '../sweeper.ts';
import { filesIn } from './cache-files.ts';
import { CACHE_FOLDER } from './cache-folder.ts';
import { planSweep, type UnusedSince } from './cache-sweep.ts';
import { usedFiles } from './cache-users.ts';
import type { ImageCache } from './image-cache.ts';

export interface SweepSettings {
  /** 0: never. */
  readonly interval_seconds: number;
  readonly minimum_age_seconds: number;
}

/** What the last sweep knew; an agent's restart does not make files young again. */
const RECORD = '.unused-since.json';

interface CacheSweeperOptions {
  readonly instances_path: string;
  readonly host: HostName;
  readonly images: ImageCache;
  readonly settings: SweepSettings;
  readonly log: Logger;
}

/** Removes files from a host's cache that no disk has used for a while, and none when in doubt. */
export class CacheSweeper extends Sweeper {
  readonly #options: CacheSweeperOptions;

  constructor(options: CacheSweeperOptions) {
    const { settings, log } = options;
    const failure = 'the image cache was not swept: not everything could be looked at';
    super({ interval_seconds: settings.interval_seconds, failure, log });
    this.#options = options;
  }

  protected async sweep(): Promise<void> {
    const { instances_path, host, images, settings, log } = this.#options;
    const record = join(instances_path, CACHE_FOLDER, RECORD);
    const files = await filesIn(join(instances_path, CACHE_FOLDER));
    const { evict, unused_since } = planSweep({
      files,
      used: await usedFiles(instances_path, host),
      unused_since: await readRecord(record),
      now_milliseconds: Date.now(),
      minimum_age_seconds: settings.minimum_age_seconds,
    });
    await writeFile(record, JSON.stringify(unused_since), { mode: 0o600 });
    for (const name of evict) {
      const bytes = await images.evict(name, settings.minimum_age_seconds);
      if (bytes !== null) log.info({ image: name, bytes }, 'an unused image was removed from the cache');
    }
  }
}

async function readRecord(path: string): Promise<UnusedSince> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, since]) => typeof since === 'number'));
  } catch {
    // None yet, or damaged: everything begins to be unused now.
    return {};
  }
}
