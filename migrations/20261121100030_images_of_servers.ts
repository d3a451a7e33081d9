import type { Knex } from 'knex';

/** A server's disk becomes an image: its kind of operation, and Nova's words for the time that takes. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table operations drop constraint operations_kind_check;
    alter table operations add constraint operations_kind_check check (kind in
      ('create', 'delete', 'start', 'stop', 'reboot', 'cold', 'confirm', 'revert', 'extract'));
    alter table instances drop constraint instances_task_state_check;
    alter table instances add constraint instances_task_state_check check (task_state in
      ('scheduling', 'spawning', 'powering-on', 'powering-off', 'rebooting', 'rebooting_hard', 'resize_prep',
       'resize_migrating', 'resize_migrated', 'resize_finish', 'resize_reverting', 'deleting',
       'image_snapshot_pending', 'image_snapshot', 'image_pending_upload', 'image_uploading'));
    -- the image that is being made: its operation is looked up to be called back
    create index operations_by_extracted_image on operations ((request -> 'extract' ->> 'image_id'))
      where kind = 'extract';
  `);
}

/** Forward only: a downgrade restores a backup. */
export function down(): Promise<void> {
  throw new Error('migrations are append-only; restore a backup to go back');
}
