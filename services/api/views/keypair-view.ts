import { timeWithMicroseconds } from '../http/times.ts';
import type { KeypairRow } from '../queries/keypairs.ts';

/** Keys of a keypair in lists and create answers; `type` from 2.2 on. */
export function keypairView(row: KeypairRow, atLeast: (minor: number) => boolean): Record<string, unknown> {
  return {
    name: row.name,
    public_key: row.public_key,
    fingerprint: row.fingerprint,
    ...(atLeast(2) ? { type: row.type } : {}),
  };
}

/** One keypair with its record, as GET /os-keypairs/{name} shows it. */
export function keypairDetailView(
  row: KeypairRow,
  atLeast: (minor: number) => boolean,
): Record<string, unknown> {
  return {
    user_id: row.user_id,
    ...keypairView(row, atLeast),
    id: row.id,
    created_at: timeWithMicroseconds(row.created_at),
    updated_at: null,
    deleted: false,
    deleted_at: null,
  };
}
