import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../../services/scheduler/placement/decide.ts';
import type { Decision } from '../../../../services/scheduler/placement/decision.ts';
import type { PlacementRequest } from '../../../../services/scheduler/placement/model.ts';
import { plan } from '../../../../services/scheduler/placement/plan.ts';
import { createSnapshot } from '../../../../services/scheduler/placement/snapshot.ts';
import { dumpProblem } from '../../../../services/scheduler/placement/text-form/dump-problem.ts';
import { loadProblem } from '../../../../services/scheduler/placement/text-form/problem.ts';
import { host, request, settings } from './builders.ts';
import { hostName, instanceId, serverGroupId } from '../../../../shared/domain/ids.ts';

const folder = join(import.meta.dirname, '../../../data');
const files = readdirSync(folder).filter((name) => name.endsWith('.cluster'));

/** Every problem that was ever reported is a file, and stays solved. */
describe('reported problems', () => {
  test('are found', () => {
    expect(files.length).toBeGreaterThan(2);
  });

  test.each(files)('%s', (file) => {
    const problem = loadProblem(readFileSync(join(folder, file), 'utf8'), settings());
    const { decisions } = plan(problem.snapshot, problem.requests, problem.settings);
    for (const { name, host, reason } of problem.expectations) {
      const decision = decisions[problem.requests.findIndex((request) => request.name === name)];
      expect({ name, chosen: decision?.chosen }).toEqual({ name, chosen: host });
      if (reason !== null) expect(decision?.no_valid_host?.message).toContain(reason);
    }
    // Who asks says what must come of it.
    expect(new Set(problem.expectations.map(({ name }) => name))).toEqual(
      new Set(problem.requests.map(({ name }) => name)),
    );
  });
});

describe('a problem as text', () => {
  const group = {
    id: serverGroupId('g 1'),
    policy: 'anti-affinity' as const,
    max_server_per_host: 2,
    members: new Map([
      [instanceId('vm1'), [hostName('c1')]],
      [instanceId('other'), [hostName('c1'), hostName('c2')]],
      [instanceId('new'), []],
    ]),
  };
  const asked: PlacementRequest = {
    ...request().flavor({
      memory_mb: 77,
      swap_mb: 5,
      ephemeral_gb: 3,
      extra_specs: { 'hw:cpu_policy': 'dedicated', note: 'a b # "c"' },
    }).request,
    image_properties: { hw_architecture: 'x86_64' },
    hints: { different_host: ['a', 'b'], query: '[">=","$free_ram_mb",1]' },
    server_group: group,
    availability_zone: 'a zone',
    requested_host: hostName('c3'),
    ignore_hosts: [hostName('c1'), hostName('c9')],
    tried_hosts: [hostName('c9')],
  };
  const own = settings({
    host_subset_size: 3,
    enabled_filters: ['RamFilter', 'JsonFilter'],
    restrict_isolated_hosts_to_isolated_images: false,
  });

  test('says the same when it is read again', () => {
    const snapshot = createSnapshot([host('c1').state, host('c2').state, host('c3').state], 9);
    const text = dumpProblem(snapshot, own, [asked]);
    const problem = loadProblem(text, settings());
    expect(problem.settings.filter_scheduler).toEqual(own.filter_scheduler);
    const [read] = problem.requests;
    expect(read?.request).toMatchObject({
      resources: asked.resources,
      image_properties: asked.image_properties,
      hints: asked.hints,
      server_group: group,
      availability_zone: 'a zone',
      requested_host: 'c3',
      ignore_hosts: ['c1', 'c9'],
      tried_hosts: ['c9'],
      flavor: { extra_specs: asked.flavor.extra_specs },
    });
    expect(dumpProblem(problem.snapshot, problem.settings, [read!.request])).toBe(text);
    const answer = ({ chosen, no_valid_host }: Decision) => ({ chosen, no_valid_host });
    expect(answer(decide(problem.snapshot, read!.request, problem.settings, ''))).toEqual(
      answer(decide(snapshot, asked, own, '')),
    );
  });
});
