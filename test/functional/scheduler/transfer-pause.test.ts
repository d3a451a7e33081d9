import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import type { OperationId } from '../../../shared/domain/ids.ts';
import { agents, ask, endCopy, heardCopy, pool, start, useHeldCopies } from './held-copies.ts';
import { stepOf, turnOf, untilValue } from './cluster-database.ts';

useHeldCopies();

describe('a pause', () => {
  const pause = async (operation: OperationId, paused: boolean) => {
    await pool.query(
      'update operations set paused_at = case when $2 then now() end, updated_at = now() where id = $1',
      [operation, paused],
    );
    await agents.wake(operation);
  };

  test('in the queue lets others pass; its end is found without a message too', async () => {
    await start(1, { mover: { max_transfers_per_source: 1 } });
    const [first, paused, third] = [await ask('compute1'), await ask('compute1'), await ask('compute1')];
    await agents.wake(first);
    await untilValue(pool, stepOf, [first], 'copy');
    for (const operation of [paused, third]) {
      await agents.wake(operation);
      await untilValue(pool, turnOf, [operation], 'waiting');
    }
    await pause(paused, true);
    await endCopy();
    await untilValue(pool, stepOf, [third], 'copy');
    await endCopy();
    await untilValue(pool, `select state from operations where id = $1`, [third], 'done');
    await untilValue(pool, turnOf, [paused], 'waiting');
    await pool.query('update operations set paused_at = null where id = $1', [paused]);
    await untilValue(pool, stepOf, [paused], 'copy');
  });

  test('of a copy is told to its source, and again when a new sender does not know of it', async () => {
    await start(1, {});
    const operation = await ask('compute1');
    await agents.wake(operation);
    await untilValue(pool, stepOf, [operation], 'copy');
    const told = () =>
      agents.commands.flatMap(({ message }) => (message.command === 'pause_copy' ? [message.arguments] : []));
    await pause(operation, true);
    const toldSql = `select facts -> 'pause' ->> 'changes' from operations where id = $1`;
    await untilValue(pool, toldSql, [operation], '1');
    const copy = await heardCopy();
    const progress = async (paused: boolean, limit_bytes_per_second: number) => {
      const { operation_id, step, direction, attempt, request_id } = copy.message;
      await agents.publish(copy.host, {
        type: 'step_progress',
        message_id: randomUUID(),
        request_id,
        sent_at: new Date().toISOString(),
        host: copy.host,
        operation_id,
        step,
        direction,
        attempt,
        progress: {
          round: 1,
          disk_total_bytes: 100,
          disk_processed_bytes: paused ? 20 : 10,
          disk_remaining_bytes: 90,
          sent_bytes: 10,
          skipped_bytes: 0,
          rate_bytes_per_second: 1,
          eta_seconds: null,
          paused,
          limit_bytes_per_second,
        },
      });
    };
    // The row has said so for a while: what the host tells is not from before it heard.
    const settle = `update operations set updated_at = now() - interval '3 seconds' where id = $1`;
    await pool.query(settle, [operation]);
    await progress(false, 0);
    await untilValue(pool, toldSql, [operation], '2');
    await pool.query(
      `update operations set request = request || '{"limit_bytes_per_second": 5000}' where id = $1`,
      [operation],
    );
    await pool.query(settle, [operation]);
    // Several times: what is told too soon after the last sign is passed over.
    await vi.waitFor(
      async () => {
        await progress(true, 0);
        expect(agents.commands.map(({ message }) => message.command)).toContain('limit');
      },
      { timeout: 20_000, interval: 50 },
    );
    await pause(operation, false);
    await untilValue(pool, toldSql, [operation], '3');
    await endCopy();
    await untilValue(pool, `select state from operations where id = $1`, [operation], 'done');
    expect(told()).toEqual([{ paused: true }, { paused: true }, { paused: false }]);
    const limits = agents.commands.filter(({ message }) => message.command === 'limit');
    expect(limits.map(({ message }) => message.arguments)).toEqual([{ limit_bytes_per_second: 5000 }]);
  });
});
