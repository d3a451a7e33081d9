import { describe, expect, test } from 'vitest';
import { capacityRefusal, type Capacity } from '../../../../services/scheduler/claims/capacity.ts';
import { groupRefusal, type GroupMembers } from '../../../../services/scheduler/claims/group-rules.ts';
import { hostName, instanceId, type HostName } from '../../../../shared/domain/ids.ts';

const memory: Capacity = { total: 1000, reserved: 100, allocation_ratio: 1.5, max_unit: 1000, used: 1000 };

describe('capacity: used + asked ≤ (total − reserved) × ratio', () => {
  test.for([
    { asked: 350, message: null },
    { asked: 351, message: 'has 350 MEMORY_MB free, asked 351' },
    { asked: 1001, message: 'gives one server at most 1000 MEMORY_MB, asked 1001' },
  ])('asked $asked: $message', ({ asked, message }) => {
    const refusal = capacityRefusal(new Map([['MEMORY_MB', memory]]), { MEMORY_MB: asked });
    expect(refusal?.message ?? null).toBe(message);
  });

  test('a fraction that the ratio leaves is not given away', () => {
    const inventory = { ...memory, total: 3, reserved: 0, allocation_ratio: 1.5, max_unit: 9, used: 0 };
    expect(capacityRefusal(new Map([['VCPU', inventory]]), { VCPU: 4 })).toBeNull();
    expect(capacityRefusal(new Map([['VCPU', inventory]]), { VCPU: 5 })).not.toBeNull();
  });

  test('an overfull host has nothing free, not less than nothing', () => {
    const refusal = capacityRefusal(new Map([['MEMORY_MB', { ...memory, used: 5000 }]]), { MEMORY_MB: 1 });
    expect(refusal?.message).toBe('has 0 MEMORY_MB free, asked 1');
  });
});

describe('group rules', () => {
  const asking = instanceId('asking');
  const member = (...hosts: string[]) => new Set(hosts.map(hostName));
  const group = (policy: GroupMembers['policy'], max: number, other: Set<HostName>): GroupMembers => ({
    policy,
    max_server_per_host: max,
    // Where the member itself is never counts.
    hosts_of: new Map([
      [asking, new Set([hostName('a'), hostName('z')])],
      [instanceId('other'), other],
    ]),
  });
  test.for([
    { name: 'free host', group: group('anti-affinity', 1, member('b')), check: null },
    { name: 'taken host', group: group('anti-affinity', 1, member('a')), check: 'anti_affinity' },
    {
      name: 'member moving to it',
      group: group('anti-affinity', 1, member('b', 'a')),
      check: 'anti_affinity',
    },
    { name: 'room for a second', group: group('anti-affinity', 2, member('a')), check: null },
    { name: 'nobody placed yet', group: group('affinity', 1, member()), check: null },
    { name: 'the same host', group: group('affinity', 1, member('a')), check: null },
    { name: 'another host', group: group('affinity', 1, member('b')), check: 'affinity' },
    { name: 'soft', group: group('soft-anti-affinity', 1, member('a')), check: null },
  ])('$group.policy, $name: $check', ({ group: members, check }) => {
    expect(groupRefusal(members, asking, hostName('a'))?.check ?? null).toBe(check);
  });
});
