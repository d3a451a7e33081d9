import type { HostName, InstanceId, RequestId } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import type { Refusal } from '../claims/capacity.ts';
import type { Decision } from '../placement/decision.ts';
import { failureMessage } from './choice.ts';
import { prepared } from './statement.ts';

/** What a decision was made for. */
export interface Asker {
  readonly kind: 'create' | 'cold';
  readonly instance_id: InstanceId;
  readonly request_id: RequestId;
}

export interface StoredDecision {
  readonly id: string;
  readonly asked_by: Asker;
  readonly decision: Decision;
  readonly record: Buffer;
  readonly refusals: ReadonlyMap<HostName, Refusal>;
  /** Null: no host was found, or none that could be claimed. */
  readonly claimed: HostName | null;
}

/** Stores decisions with one statement. It is on its way when this returns; the commit waits for it. */
export async function storeDecisions(
  transaction: Queryable,
  decisions: readonly StoredDecision[],
): Promise<void> {
  let starts_at = 1;
  const rows = decisions.map(({ id, asked_by, decision, record, refusals, claimed }) => {
    const from = starts_at;
    starts_at += record.length;
    return {
      id,
      kind: asked_by.kind,
      instance_uuid: asked_by.instance_id,
      request_id: asked_by.request_id,
      chosen_host: claimed,
      summary:
        claimed === null
          ? failureMessage(decision, refusals)
          : `${claimed}, of ${decision.considered} hosts.`,
      refusals: Object.fromEntries([...refusals].map(([host, { message }]) => [host, message])),
      starts_at: from,
      bytes: record.length,
    };
  });
  const records = Buffer.concat(decisions.map(({ record }) => record));
  await transaction.query(prepared(sql, [JSON.stringify(rows), records]));
}

/** The records come as one value and are cut apart here: a list of them would be sent as text, twice as long. */
const sql = `
  insert into decisions (id, kind, instance_uuid, request_id, chosen_host, summary, refusals, record)
  select id, kind, instance_uuid, request_id, chosen_host, summary, refusals, substring($2::bytea from starts_at for bytes)
  from jsonb_to_recordset($1::jsonb) as d(id uuid, kind text, instance_uuid uuid, request_id text, chosen_host text,
    summary text, refusals jsonb, starts_at integer, bytes integer)`;
