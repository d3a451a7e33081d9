import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '../../../shared/database/connect.ts';
import type { ImageId } from '../../../shared/domain/ids.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { isPartFile, type StoreSettings } from './store.ts';

const PAUSE_MILLISECONDS = 60 * 60 * 1000;
/** An upload shows this often that its process lives: some chances within the time after which it is abandoned. */
const SIGN_MILLISECONDS = 5 * 60 * 1000;
const ABANDONED_SECONDS = 60 * 60;

/**
 * Shows while an upload runs that it does, however slow it is. `updated_at` is that sign, so that every api process
 * sees it. A sign that fails costs nothing as long as one of the next succeeds.
 * @returns ends it
 */
export function showUpload(pool: Pool, id: ImageId, log: Logger): () => void {
  const timer = setInterval(() => {
    pool
      .query(`update images set updated_at = now() where id = $1 and status = 'saving'`, [id])
      .catch((error: unknown) => log.warn({ error, image_id: id }, 'could not show that an upload runs'));
  }, SIGN_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Gives back what uploads have left whose process is gone: an image that has been `saving` for an hour without a sign
 * is `queued` again, so that its owner can upload anew, and files of which nothing was written for an hour are removed.
 */
export async function giveBackAbandonedUploads(
  pool: Pool,
  settings: StoreSettings,
): Promise<{ readonly images: readonly ImageId[]; readonly files: readonly string[] }> {
  const { rows } = await pool.query<{ id: ImageId }>(
    `update images set status = 'queued', updated_at = now()
     where status = 'saving' and updated_at < now() - make_interval(secs => $1) returning id`,
    [ABANDONED_SECONDS],
  );
  const files: string[] = [];
  for (const name of await namesIn(settings.store_path)) {
    const path = join(settings.store_path, name);
    if (!isPartFile(name) || Date.now() - (await changedAt(path)) < ABANDONED_SECONDS * 1000) continue;
    await rm(path, { force: true });
    files.push(name);
  }
  return { images: rows.map(({ id }) => id), files };
}

/**
 * Does so now and every hour. A failure is tried again the next time.
 * @returns ends it
 */
export function sweepAbandonedUploads(pool: Pool, settings: StoreSettings, log: Logger): () => void {
  const sweep = () => {
    giveBackAbandonedUploads(pool, settings).then(
      (found) => {
        if (found.images.length + found.files.length > 0) log.warn(found, 'gave back abandoned uploads');
      },
      (error: unknown) => log.warn({ error }, 'could not look for abandoned uploads; trying again later'),
    );
  };
  sweep();
  const timer = setInterval(sweep, PAUSE_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    // No image was stored yet.
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Milliseconds since 1970; a file that has just gone counts as new. */
async function changedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return Infinity;
    throw error;
  }
}

const isMissing = (error: unknown) => error instanceof Error && Reflect.get(error, 'code') === 'ENOENT';
