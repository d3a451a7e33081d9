import { describe, expect, test } from 'vitest';
import { alpha, beta } from './rows.ts';
import { SimulatedCluster, type Fate } from './simulated-cluster.ts';
import type { CommandOrder } from './simulated-host.ts';
import { expectAsBefore } from './as-before.ts';

type Found = 'precopy' | 'copy' | 'verify: admit' | 'verify: copy';

/** A move in which what the disk stands on is found to be another one, so often. */
function moved(
  found: Found,
  options: {
    readonly times?: number;
    readonly stopped?: boolean;
    readonly tells_unasked?: boolean;
    readonly fateOf?: FateOf;
  } = {},
) {
  const { times = 1, stopped = false, tells_unasked = false, fateOf = () => 'normal' } = options;
  const cluster = new SimulatedCluster('cold', { stopped, warm: found === 'precopy' });
  cluster.offers = [beta];
  for (const host of [alpha, beta]) cluster.host(host).tells_unasked = tells_unasked;
  if (found === 'verify: admit') cluster.host(beta).damages_below.admit = times;
  else if (found === 'verify: copy') cluster.host(beta).damages_below.copy = times;
  else cluster.host(alpha).changes_below[found] = times;
  cluster.happen({ type: 'requested' });
  const orders: CommandOrder[] = [];
  cluster.settle((order) => {
    if (order.direction === 'action') orders.push(order);
    return fateOf(order);
  });
  return { cluster, orders, steps: orders.map(({ step }) => step) };
}

type FateOf = (order: CommandOrder) => Fate;

const again: readonly (readonly [Found, readonly string[]])[] = [
  ['precopy', ['connect', 'precopy', 'admit-running', 'precopy', 'stop', 'copy', 'verify', 'prepare']],
  ['copy', ['connect', 'stop', 'copy', 'admit-again', 'copy', 'verify', 'prepare']],
  ['verify: admit', ['connect', 'stop', 'copy', 'verify', 'admit-again', 'copy', 'verify', 'prepare']],
  ['verify: copy', ['connect', 'stop', 'copy', 'verify', 'copy', 'verify', 'prepare']],
];

describe.each(again)('what disks stand on is another one, found by %s', (found, expected) => {
  test('is agreed and sent again, once, and the guest moves with what its source has', () => {
    const { cluster, steps } = moved(found);
    expect(steps.slice(2, -2)).toEqual(expected);
    expect(cluster.world.operation.state).toBe('done');
    expect(cluster.host(beta)).toMatchObject({ home: 'the-guest', agreed_below: cluster.host(alpha).below });
    expect(cluster.runningOn()).toEqual([beta]);
    expect(cluster.log.join('\n')).toMatch(/again: The base (has changed|is damaged)\. .* sent again\./);
  });

  test('a second time, the server goes back, and runs as before', () => {
    const { cluster, orders } = moved(found, { times: 2 });
    expectAsBefore(cluster);
    expect(cluster.world.operation.reason).toMatchObject({ code: 'backing_image_changed' });
    // Whoever is not asked to tell of a change fails with it.
    const told = orders.flatMap(({ arguments: said }) =>
      'tells_changes' in said ? [said.tells_changes] : [],
    );
    expect(told.at(-1)).toBe(false);
  });

  test('told by an agent that was not asked: the server goes back all the same', () => {
    const { cluster } = moved(found, { times: 2, tells_unasked: true });
    expectAsBefore(cluster);
    expect(cluster.world.operation.reason).toMatchObject({
      code: 'backing_image_changed',
      message: expect.stringMatching(/^The base .*It was sent again once already\./) as unknown,
    });
  });

  test('of a guest that was off: it stays off, wherever it is', () => {
    if (found === 'precopy') return;
    expect(moved(found, { stopped: true }).cluster.runningOn()).toEqual([]);
    expectAsBefore(moved(found, { stopped: true, times: 2 }).cluster, true);
  });

  const admission = expected.find((step) => step.startsWith('admit-'));
  if (admission === undefined) return;
  const struck =
    (fate: Fate): FateOf =>
    ({ step, direction }) =>
      step === admission && direction === 'action' ? fate : 'normal';

  test.each(['crash_before', 'crash_after', 'twice'] as const)(
    `${admission} meets %s once: it goes on`,
    (fate) => {
      let is_struck = false;
      const { cluster } = moved(found, {
        fateOf: (order) => {
          const hits = !is_struck && struck(fate)(order) === fate;
          is_struck ||= hits;
          return hits ? fate : 'normal';
        },
      });
      expect(is_struck).toBe(true);
      expect(cluster.world.operation.state).toBe('done');
      expect(cluster.runningOn()).toEqual([beta]);
    },
  );

  test(`${admission} is refused: all that was done is taken back, and no other host is tried`, () => {
    const { cluster, steps } = moved(found, { fateOf: struck('refuse') });
    expectAsBefore(cluster);
    expect(steps.filter((step) => step === 'admit')).toHaveLength(1);
  });

  test(`cancelled during ${admission}: all that was done is taken back`, () => {
    const cluster = new SimulatedCluster('cold', { warm: found === 'precopy' });
    if (found === 'verify: admit') cluster.host(beta).damages_below.admit = 1;
    else cluster.host(alpha).changes_below[found === 'precopy' ? 'precopy' : 'copy'] = 1;
    cluster.happen({ type: 'requested' });
    cluster.until(admission);
    cluster.happen({ type: 'cancel', by: 'admin' });
    cluster.settle();
    expectAsBefore(cluster);
  });
});

test('a second precopy is told what the first one has done: it does one more round', () => {
  const told = moved('precopy').orders.flatMap(({ arguments: said }) =>
    'rounds_seen' in said ? [said.rounds_seen] : [],
  );
  expect(told).toEqual([0, 2]);
});

test('one thing is sent again once: damage of a disk after a change goes back', () => {
  const cluster = new SimulatedCluster('cold');
  cluster.offers = [beta];
  cluster.host(alpha).changes_below.copy = 1;
  // The first copy does not come to `verify`.
  cluster.host(beta).corrupts = 2;
  cluster.happen({ type: 'requested' });
  cluster.settle();
  expectAsBefore(cluster);
  expect(cluster.world.operation.reason).toMatchObject({ code: 'mover_digest_mismatch' });
});

test('one thing is sent again once: damage of a disk after a change that precopy found goes back', () => {
  const cluster = new SimulatedCluster('cold', { warm: true });
  cluster.offers = [beta];
  cluster.host(alpha).changes_below.precopy = 1;
  cluster.host(beta).corrupts = 1;
  cluster.happen({ type: 'requested' });
  cluster.settle();
  expectAsBefore(cluster);
  expect(cluster.world.operation.reason).toMatchObject({
    code: 'mover_digest_mismatch',
    message: expect.stringContaining('once, for another reason') as unknown,
  });
});

test('the record counts what was sent before a change as sent twice', () => {
  expect(moved('copy').cluster.set).toMatchObject({ sent_bytes: 2048, resent_bytes: 1024 });
});
