import { describe, expect, test } from 'vitest';
import { hostName, type OperationId } from '../../../shared/domain/ids.ts';
import { ProgressWriter } from '../../../services/scheduler/drive/progress.ts';
import type { StepProgress } from '../../../shared/messaging/messages.ts';
import { instance, useDrivers } from './drivers.ts';
import { pool } from './cluster-database.ts';
import { addColdMigration } from './rows.ts';

useDrivers();

describe('progress', () => {
  const progress = {
    round: 1,
    disk_total_bytes: 1000,
    disk_processed_bytes: 250,
    disk_remaining_bytes: 750,
    sent_bytes: 100,
    skipped_bytes: 150,
    rate_bytes_per_second: 12.5,
    eta_seconds: 60.4,
  };
  const event = (operation_id: OperationId, attempt: number, changes: Partial<StepProgress> = {}) =>
    ({
      type: 'step_progress',
      message_id: 'm',
      request_id: 'req-x',
      sent_at: '',
      host: hostName('c1'),
      operation_id,
      step: 'copy',
      direction: 'action',
      attempt,
      progress,
      ...changes,
    }) as StepProgress;

  test('is written for the step that runs, moves its deadline, and is throttled', async () => {
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(`update operations set step = 'copy', step_state = 'ordered', attempt = 4`);
    const writer = new ProgressWriter(
      pool,
      { stall_timeout_seconds: 60, interval_milliseconds: 400 },
      async () => undefined,
    );
    expect(await writer.take(event(operation, 3), 0)).toBe(false);
    expect(await writer.take(event(operation, 4, { host: hostName('c2') }), 1000)).toBe(false);
    expect(await writer.take(event(operation, 4), 1000)).toBe(true);
    expect(await writer.take(event(operation, 4), 1399)).toBe(false);
    expect(await writer.take(event(operation, 4), 1400)).toBe(true);
    const { rows } = await pool.query(
      `select m.disk_processed_bytes, m.eta_seconds, i.progress, o.deadline_at > now() + interval '50 seconds' as moved
       from operations o join migrations m on m.uuid = o.migration_uuid join instances i on i.uuid = o.instance_uuid`,
    );
    expect(rows).toEqual([{ disk_processed_bytes: 250, eta_seconds: 60, progress: 25, moved: true }]);
  });

  test('of verifying leaves what the copy has sent', async () => {
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(
      `update operations set step = 'verify', step_state = 'ordered', attempt = 5, facts = '{"choose": {"host": "c2"}}'`,
    );
    await pool.query(`update migrations set round = 3, sent_bytes = 700, skipped_bytes = 30`);
    const writer = new ProgressWriter(
      pool,
      { stall_timeout_seconds: 60, interval_milliseconds: 400 },
      async () => undefined,
    );
    expect(await writer.take(event(operation, 5, { step: 'verify', host: hostName('c2') }), 0)).toBe(true);
    const { rows } = await pool.query(
      'select round, sent_bytes, skipped_bytes, disk_processed_bytes from migrations',
    );
    expect(rows).toEqual([{ round: 3, sent_bytes: 700, skipped_bytes: 30, disk_processed_bytes: 250 }]);
  });

  test('of a host that has nothing to count moves the deadline alone', async () => {
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(
      `update operations set step = 'admit', step_state = 'ordered', attempt = 2, deadline_at = now(),
         facts = '{"choose": {"host": "c2"}}'`,
    );
    await pool.query(`update migrations set disk_processed_bytes = 7, updated_at = '2020-01-01'`);
    const writer = new ProgressWriter(
      pool,
      { stall_timeout_seconds: 60, interval_milliseconds: 400 },
      async () => undefined,
    );
    const sign = { step: 'admit', progress: null, host: hostName('c2') };
    expect(await writer.take(event(operation, 1, sign), 0)).toBe(false);
    expect(await writer.take(event(operation, 2, { ...sign, host: hostName('c1') }), 1000)).toBe(false);
    expect(await writer.take(event(operation, 2, sign), 1000)).toBe(true);
    expect(await writer.take(event(operation, 2, { ...sign, progress }), 2000)).toBe(true);
    const { rows } = await pool.query(
      `select m.disk_processed_bytes, m.updated_at = '2020-01-01' as kept,
         o.deadline_at > now() + interval '50 seconds' as moved
       from operations o join migrations m on m.uuid = o.migration_uuid`,
    );
    expect(rows).toEqual([{ disk_processed_bytes: 7, kept: true, moved: true }]);
  });
});
