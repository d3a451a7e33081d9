import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { migrationId } from '../../../../shared/domain/ids.ts';
import type { Admission } from '../mover.ts';
import type { ProcessIdentity } from '../process-identity.ts';
import type { RelayKind } from './relay.ts';

/** An admission as it is kept over an agent's restart: one file per migration. */
export interface AdmissionRecord extends Admission {
  readonly expires_at: string;
  readonly socket_path: string;
  /** What comes over that socket. Nothing: `bytes`, as earlier versions wrote it. */
  readonly relay?: RelayKind;
  /** The worker that received last, in case its agent is gone and it is not. */
  readonly receiver: ProcessIdentity | null;
  /** Its withdrawal has begun, and not ended: its key is gone for good, its receiver may still write. */
  readonly withdrawn?: true;
}

const MIGRATION_ID = /^[0-9a-fA-F-]{36}$/;
/** A plain file name: no path, nothing hidden. */
const DISK_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

/** @throws RangeError for what must not come near a path */
export function checkAdmission(admission: Admission): void {
  if (!MIGRATION_ID.test(admission.migration_id)) throw new RangeError('the migration is no UUID');
  if (!isAbsolute(admission.folder)) throw new RangeError(`"${admission.folder}" is no absolute path`);
  for (const { name } of admission.disks) {
    if (!DISK_NAME.test(name)) throw new RangeError(`"${name}" is no plain file name`);
  }
  // Two disks would be written into one file.
  const names = admission.disks.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new RangeError(`"${twice}" is named twice`);
}

export async function writeAdmission(folder: string, record: AdmissionRecord): Promise<void> {
  const path = join(folder, `${record.migration_id}.json`);
  const fresh = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(fresh, JSON.stringify(record), { mode: 0o600 });
  await rename(fresh, path);
}

export async function removeAdmission(folder: string, migration_id: string): Promise<void> {
  await rm(join(folder, `${migration_id}.json`), { force: true });
}

/** The admissions that an earlier agent made. A file that cannot be read is left for a person to look at. */
export async function readAdmissions(folder: string): Promise<AdmissionRecord[]> {
  const records: AdmissionRecord[] = [];
  for (const name of await readdir(folder)) {
    const id = name.slice(0, -'.json'.length);
    if (!name.endsWith('.json') || !MIGRATION_ID.test(id)) continue;
    try {
      const record = JSON.parse(await readFile(join(folder, name), 'utf8')) as AdmissionRecord;
      checkAdmission(record);
      records.push({ ...record, migration_id: migrationId(id) });
    } catch {
      continue;
    }
  }
  return records;
}
