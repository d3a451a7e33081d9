import type { InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import { prepared } from '../drive/statement.ts';
import type { ClaimDetails } from '../placement/model.ts';

/** A claim that the books have granted: what it asks, and what the instance held on this host before. */
export interface GrantedClaim {
  readonly host_id: number;
  readonly instance_id: InstanceId;
  readonly move: { readonly migration_id: MigrationId; readonly source_host: HostName } | null;
  readonly asked: ReadonlyMap<string, number>;
  readonly held: ReadonlyMap<string, number>;
  readonly details: ClaimDetails | null;
}

/**
 * Old claims of the instances on these hosts out, new ones in, `used` by the differences, the sources' claims to the
 * migrations, generations up by one. The hosts are locked, so the differences hold. All is sent at once.
 */
export async function writeClaims(transaction: Queryable, granted: readonly GrantedClaim[]): Promise<void> {
  if (granted.length === 0) return;
  const made: object[] = [];
  const gone: object[] = [];
  const differences = new Map<string, { host_id: number; resource_class: string; difference: number }>();
  const count = (host_id: number, resource_class: string, amount: number): void => {
    const key = `${host_id} ${resource_class}`;
    const known = differences.get(key)?.difference ?? 0;
    differences.set(key, { host_id, resource_class, difference: known + amount });
  };
  for (const { host_id, instance_id, asked, held, details } of granted) {
    for (const [resource_class, amount] of asked) {
      made.push({ host_id, instance_uuid: instance_id, resource_class, amount, details });
      count(host_id, resource_class, amount);
    }
    for (const [resource_class, amount] of held) {
      count(host_id, resource_class, -amount);
      if (!asked.has(resource_class)) gone.push({ host_id, instance_uuid: instance_id, resource_class });
    }
  }
  const handed_over = granted.flatMap(({ host_id, instance_id, move }) =>
    move === null ? [] : [{ target_id: host_id, instance_uuid: instance_id, ...move }],
  );
  const json = (rows: readonly object[]): string => JSON.stringify(rows);
  const sent: Array<Promise<unknown>> = [];
  if (gone.length > 0) sent.push(transaction.query(prepared(goneSql, [json(gone)])));
  if (handed_over.length > 0) sent.push(transaction.query(prepared(handOverSql, [json(handed_over)])));
  const hosts = [...new Set(granted.map(({ host_id }) => host_id))];
  sent.push(transaction.query(prepared(madeSql, [json(made), json([...differences.values()]), hosts])));
  await Promise.all(sent);
}

const goneSql = `
  delete from claims c using jsonb_to_recordset($1::jsonb) as g(host_id integer, instance_uuid uuid, resource_class text)
  where c.consumer_uuid = g.instance_uuid and c.host_id = g.host_id and c.resource_class = g.resource_class`;

/**
 * A class of which the migration has a claim there already stays the instance's: the books stay right, nothing waits for
 * ever, and a repair finds what belongs to nobody (repair.ts).
 */
const handOverSql = `
  update claims c set consumer_uuid = m.migration_id, consumer_kind = 'migration'
  from jsonb_to_recordset($1::jsonb) as m(target_id integer, instance_uuid uuid, migration_id uuid, source_host text)
  join hosts h on h.name = m.source_host
  where c.consumer_uuid = m.instance_uuid and c.host_id = h.id and h.id <> m.target_id and c.consumer_kind = 'instance'
    and not exists (select from claims k where k.consumer_uuid = m.migration_id and k.host_id = c.host_id
      and k.resource_class = c.resource_class)`;

const madeSql = `
  with made as (
    insert into claims (host_id, consumer_uuid, consumer_kind, instance_uuid, resource_class, amount, details)
    select host_id, instance_uuid, 'instance', instance_uuid, resource_class, amount, nullif(details, 'null'::jsonb)
    from jsonb_to_recordset($1::jsonb)
      as a(host_id integer, instance_uuid uuid, resource_class text, amount bigint, details jsonb)
    on conflict (consumer_uuid, host_id, resource_class)
      do update set amount = excluded.amount, details = excluded.details
  ), used_now as (
    update host_inventories n set used = n.used + d.difference
    from jsonb_to_recordset($2::jsonb) as d(host_id integer, resource_class text, difference bigint)
    where n.host_id = d.host_id and n.resource_class = d.resource_class
  )
  update hosts set generation = generation + 1, updated_at = now() where id = any($3::integer[])`;
