import type { Knex } from 'knex';

/** What schedulers need to follow a large cluster cheaply, and what a claim said that a decision could not know. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- host → why it refused the claim, when a decision's choice had changed before it could be claimed
    alter table decisions add column refusals jsonb not null default '{}';

    -- The transaction that last changed what placement sees of a host. Whoever keeps a copy asks for those from the
    -- oldest transaction that was still open when it asked last: nothing that commits late is missed, as it would be
    -- with a sequence. A table of its own because it is narrow and often written, and hosts has many indexes.
    create table host_changes (
      host_id integer primary key references hosts on delete cascade,
      changed_in xid8 not null
    ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
    create index host_changes_in_order on host_changes (changed_in);
    insert into host_changes (host_id, changed_in) select id, pg_current_xact_id() from hosts;

    create function note_host_change() returns trigger language plpgsql as $$
      begin
        insert into host_changes as known (host_id, changed_in) values (new.id, pg_current_xact_id())
          on conflict (host_id) do update set changed_in = excluded.changed_in
          where known.changed_in <> excluded.changed_in;
        return null;
      end $$;
    create trigger hosts_note_change after insert or update of generation on hosts
      for each row execute function note_host_change();
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
