import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Knobs } from '../../../services/compute-agent/hypervisor/fake/knobs.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { newMigrationId, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { TestHost, type Operation } from './test-host.ts';

/** What a scheduler meets when a host misbehaves, and that the next try is good. */

let folder: string;
let host: TestHost;
let guest: Operation;
const spec = sampleSpec();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-misbehaviour-'));
});
afterEach(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(knobs: Partial<Knobs>): Promise<void> {
  host = await TestHost.open({ folder, name: 'compute1', knobs });
  await host.operation({ instance_id: spec.id, migration_id: null }).run('spawn', { spec }, 1);
  guest = host.operation({ instance_id: spec.id, migration_id: newMigrationId() });
}
const stop = { shutdown_timeout_seconds: 1 };

test('a step that failed after its work says on the next try that it was done', async () => {
  await open({ fail_after: { stop: 1, retire: 1 } });
  expect(await guest.answer('stop', stop, 1)).toMatchObject({ code: 'fake_failure', retriable: true });
  expect(await guest.run('stop', stop, 1)).toMatchObject({
    summary: 'the guest was stopped already',
    result: { was_running: false },
  });
  expect(await guest.answer('retire', {}, 2)).toMatchObject({ code: 'fake_failure' });
  expect(await guest.run('retire', {}, 2)).toMatchObject({ summary: 'the source was retired already' });
});

test('a lost reply: nothing is said, and the same try asked again is answered', async () => {
  await open({ lose_reply: { stop: 1 } });
  const message = guest.message('stop', stop, 1);
  expect(await host.send(message)).toBeNull();
  expect(await host.send(message)).toMatchObject({
    type: 'step_done',
    summary: 'the guest was stopped already',
  });
});

test('a hanging step gives way to the undo of its operation', async () => {
  await open({ hang: { stop: 1 } });
  const hanging = guest.answer('stop', stop, 1);
  await guest.run('power_on', {}, 1);
  // Given up before or after it began: in either case it has not stopped the guest.
  expect((await hanging)?.type).not.toBe('step_done');
  expect((await host.hypervisor.describe(spec.id))?.power_state).toBe(PowerState.running);
});

test('a hanging step gives way to the removal of the instance, whoever asks for it', async () => {
  await open({ hang: { stop: 1 } });
  const hanging = guest.answer('stop', stop, 1);
  await host.operation({ instance_id: spec.id, migration_id: null }).run('destroy', {}, 1);
  await hanging;
  expect(host.folders()).toEqual([]);
});

test('closing gives up what waits: the broker keeps the command for the next start', async () => {
  await open({ hang: { stop: 1 } });
  const message = guest.message('stop', stop, 1);
  const handling = host.agent.handle(message);
  const refused = expect(handling).rejects.toThrow('the agent is closing');
  await host.restart();
  await refused;
});

test('a guest that goes down on its own is told with its epoch', async () => {
  await open({});
  await host.hypervisor.goDown(spec.id, PowerState.crashed);
  expect(host.events.at(-1)).toMatchObject({
    type: 'guest_changed',
    instance_id: spec.id,
    epoch: 1,
    power_state: PowerState.crashed,
  });
});
