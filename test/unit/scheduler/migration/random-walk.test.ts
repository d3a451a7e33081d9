import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allHosts, alpha } from './rows.ts';
import { SimulatedCluster, type Fate } from './simulated-cluster.ts';

/** One thing that happens next. Weighted towards what moves the plan, so that walks reach its end. */
const happening = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ type: 'hear' as const }) },
  { weight: 12, arbitrary: fc.constant({ type: 'deliver' as const, fate: 'normal' }) },
  { weight: 3, arbitrary: fc.constant({ type: 'choose' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('deliver' as const),
      fate: fc.constantFrom<Fate>('crash_before', 'crash_after', 'twice', 'refuse'),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'shuffle' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'deadline' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('down' as const), host: fc.constantFrom(...allHosts) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('up' as const), host: fc.constantFrom(...allHosts) }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'lease_expired' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'cancel' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'repeat_answer' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('corrupt' as const), host: fc.constantFrom(...allHosts) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('change_below' as const),
      step: fc.constantFrom('precopy' as const, 'copy' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('damage_below' as const),
      host: fc.constantFrom(...allHosts),
      again: fc.constantFrom('admit' as const, 'copy' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pause' as const), paused: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('busy' as const), busy: fc.boolean() }) },
);

function step(cluster: SimulatedCluster, what: Parameters<Parameters<typeof happening.map>[0]>[0]): void {
  switch (what.type) {
    case 'hear':
      cluster.hear();
      return;
    case 'deliver':
      cluster.deliver(what.fate);
      return;
    case 'choose':
      cluster.choose();
      return;
    case 'shuffle':
      cluster.answers.reverse();
      return;
    case 'deadline': {
      const owing = cluster.queue[0]?.host;
      cluster.happen({
        type: 'deadline_elapsed',
        host_is_up: owing === undefined || !cluster.down.has(owing),
      });
      return;
    }
    case 'down':
      cluster.down.add(what.host);
      return;
    case 'up':
      cluster.down.delete(what.host);
      return;
    case 'lease_expired':
      cluster.happen({ type: 'lease_expired' });
      return;
    case 'cancel':
      cluster.happen({ type: 'cancel', by: 'walk' });
      return;
    case 'corrupt':
      cluster.host(what.host).corrupts = 1;
      return;
    case 'change_below':
      cluster.host(alpha).changes_below[what.step] = 1;
      return;
    case 'damage_below':
      cluster.host(what.host).damages_below[what.again] = 1;
      return;
    case 'pause':
      cluster.pause(what.paused);
      return;
    case 'busy':
      cluster.obstacle = what.busy ? 'others_wait' : null;
      cluster.happen({ type: 'turn_due' });
      return;
    case 'repeat_answer':
      if (cluster.answers[0] !== undefined) cluster.answers.push(cluster.answers[0]);
      return;
    default:
      what satisfies never;
  }
}

/** Repairs the world and lets it come to rest: hosts back, a person resumes what is stuck. */
function comeToRest(cluster: SimulatedCluster): void {
  cluster.down.clear();
  cluster.obstacle = null;
  cluster.pause(false);
  for (let tries = 0; tries < 5; tries += 1) {
    cluster.settle();
    if (cluster.world.operation.state !== 'stuck') return;
    cluster.happen({ type: 'resume' });
  }
}

function expectOneHome(cluster: SimulatedCluster): void {
  expect(cluster.runningOn().length).toBeLessThanOrEqual(1);
}

function expectRest(cluster: SimulatedCluster): void {
  const { operation, instance, migration } = cluster.world;
  expect(['done', 'unwound']).toContain(operation.state);
  expect(operation.turn).toBeNull();
  expect(instance.task_state).toBeNull();
  const homes = allHosts.filter((name) => cluster.host(name).home !== null);
  expect(homes).toEqual([instance.host]);
  expect(cluster.host(instance.host!).home).toBe('the-guest');
  // A host that has the guest has agreed to what its disk stands on now.
  if (instance.host !== alpha)
    expect(cluster.host(instance.host!).agreed_below).toBe(cluster.host(alpha).below);
  expect(cluster.runningOn()).toEqual(instance.power_state === 1 ? [instance.host] : []);
  expect(cluster.claims.instance).toBe(instance.host);
  expect(cluster.claims.migration).toBe(migration?.status === 'finished' ? alpha : null);
  for (const name of allHosts) expect(cluster.host(name).staging).toBeNull();
}

test('any walk of a cold migration ends at rest with one home and balanced claims', () => {
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 120 }),
      fc.boolean(),
      fc.boolean(),
      (walk, stopped, warm) => {
        const cluster = new SimulatedCluster('cold', { stopped, warm });
        cluster.happen({ type: 'requested' });
        for (const what of walk) {
          step(cluster, what);
          expectOneHome(cluster);
        }
        comeToRest(cluster);
        expectOneHome(cluster);
        expectRest(cluster);
      },
    ),
    { numRuns: 1500 },
  );
});

test('any walk of a confirm or revert after it ends at rest with one home and balanced claims', () => {
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 80 }),
      fc.constantFrom('confirm' as const, 'revert' as const),
      (walk, kind) => {
        const cluster = new SimulatedCluster('cold');
        cluster.happen({ type: 'requested' });
        cluster.settle();
        cluster.request(kind);
        for (const what of walk) {
          step(cluster, what);
          expectOneHome(cluster);
        }
        comeToRest(cluster);
        expectOneHome(cluster);
        expectRest(cluster);
      },
    ),
    { numRuns: 1500 },
  );
});
