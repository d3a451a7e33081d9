import type { Queryable } from '../../../shared/database/connect.ts';
import type { HostName, OperationId, SchedulerId } from '../../../shared/domain/ids.ts';

/** What the reconciler found about one operation that nobody may have noticed. */
export interface Unfinished {
  readonly id: OperationId;
  readonly cause:
    'never_started' | 'predecessor_ended' | 'cancel_or_resume' | 'lease_expired' | 'deadline_passed';
}

/**
 * Operations that need somebody: begun by nobody, waiting behind one that has ended, called back or resumed without
 * anyone hearing of it, held before a step and let go on, their driver gone, or their own deadline passed. `$1` is
 * this scheduler; deadlines are watched by whoever holds the lease. Bounded: the rest comes with the next look.
 */
export async function readUnfinished(database: Queryable, self: SchedulerId): Promise<Unfinished[]> {
  const { rows } = await database.query<Unfinished>(
    `select id, case
       when state = 'waiting' then 'predecessor_ended'
       when state = 'running' and step is null and lease_owner is null then 'never_started'
       when state = 'stuck' then 'cancel_or_resume'
       when coalesce(lease_expires_at < now(), true) then 'lease_expired'
       when deadline_at < now() and lease_owner = $1 then 'deadline_passed'
       else 'cancel_or_resume' end as cause
     from operations o
     where (state = 'running' and step is null and lease_owner is null and created_at < now() - interval '1 second')
        or (state in ('running', 'unwinding') and lease_owner is not null and coalesce(lease_expires_at < now(), true))
        or (state in ('running', 'unwinding') and lease_owner = $1 and deadline_at < now())
        or (state = 'stuck' and resume_requested_at is not null)
        or (state = 'running' and cancel_requested_at < now() - interval '1 second' and kind in ('cold', 'create')
            and not (step = 'choose' and step_state = 'ordered'))
        or (state = 'running' and step_state = 'pending' and step is not null and paused_at is null
            and updated_at < now() - interval '1 second')
        or (state = 'waiting' and not exists (select from operations p
             where p.instance_uuid = o.instance_uuid and p.state in ('running', 'unwinding', 'stuck')))
     order by created_at
     limit 1000`,
    [self],
  );
  return rows;
}

/** Keeps the rights of a driver that lives: one statement for all its operations. */
export async function renewLeases(
  database: Queryable,
  self: SchedulerId,
  lease_seconds: number,
): Promise<void> {
  await database.query(
    `update operations set lease_expires_at = now() + make_interval(secs => $2)
     where lease_owner = $1 and state in ('running', 'unwinding')`,
    [self, lease_seconds],
  );
}

/** The host that owes the answer to the order that is out; null: it was an order to ourselves. */
export async function hostOfOrder(database: Queryable, operation: OperationId): Promise<HostName | null> {
  const { rows } = await database.query<{ host: HostName | null }>(
    `select host from operation_steps where operation_id = $1 and event = 'ordered' order by id desc limit 1`,
    [operation],
  );
  return rows[0]?.host ?? null;
}
