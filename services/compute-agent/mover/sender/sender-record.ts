import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../process-identity.ts';

/** Which worker sends for a migration, kept so that a restarted agent finds it. */
export interface SenderRecord {
  readonly identity: ProcessIdentity;
  readonly socket_path: string;
  /** The transfer's own limit, as it was asked for last. Not known before it begins to send. */
  readonly limit_bytes_per_second?: number;
}

const pathOf = (folder: string, migration_id: string): string => {
  if (!/^[0-9a-fA-F-]{36}$/.test(migration_id)) throw new RangeError('the migration is no UUID');
  return join(folder, `${migration_id}.json`);
};

/** Small and needed at once: written without giving anybody a turn in between. */
export function writeSender(folder: string, migration_id: string, record: SenderRecord): void {
  const path = pathOf(folder, migration_id);
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** @returns null when none is recorded, or nothing that can be understood */
export function readSender(folder: string, migration_id: string): SenderRecord | null {
  try {
    const record = JSON.parse(readFileSync(pathOf(folder, migration_id), 'utf8')) as Partial<SenderRecord>;
    const { identity, socket_path, limit_bytes_per_second: limit } = record;
    if (identity === undefined || socket_path === undefined) return null;
    return { identity, socket_path, ...(limit === undefined ? {} : { limit_bytes_per_second: limit }) };
  } catch {
    return null;
  }
}

/** The migrations of which a sender is recorded. */
export function recordedSenders(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => /^([0-9a-fA-F-]{36})\.json$/.exec(name)?.[1] ?? []);
}

export function removeSender(folder: string, migration_id: string): void {
  rmSync(pathOf(folder, migration_id), { force: true });
}
