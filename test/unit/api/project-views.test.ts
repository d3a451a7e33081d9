import { describe, expect, test } from 'vitest';
import { Microversion } from '../../../services/api/http/microversion.ts';
import type { QuotaNumbers } from '../../../services/api/queries/quotas.ts';
import type { ServerGroupRow } from '../../../services/api/queries/server-groups.ts';
import { aggregateId } from '../../../services/api/routes/aggregates.ts';
import { readGroupBody } from '../../../services/api/routes/server-group-body.ts';
import { limitsView, quotaDetailView, quotaView } from '../../../services/api/views/quota-view.ts';
import { serverGroupView } from '../../../services/api/views/server-group-view.ts';
import { usageView } from '../../../services/api/views/usage-view.ts';

const at = (minor: number) => (wanted: number) => minor >= wanted;

const limits: QuotaNumbers = {
  cores: 20,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
  injected_files: 5,
  instances: 10,
  key_pairs: 100,
  metadata_items: 128,
  ram: 51_200,
  server_group_members: 9,
  server_groups: 8,
};
const used: QuotaNumbers = {
  cores: 3,
  injected_file_content_bytes: 0,
  injected_file_path_bytes: 0,
  injected_files: 0,
  instances: 2,
  key_pairs: 0,
  metadata_items: 0,
  ram: 192,
  server_group_members: 0,
  server_groups: 1,
};
const lasting = [
  'cores',
  'instances',
  'key_pairs',
  'metadata_items',
  'ram',
  'server_group_members',
  'server_groups',
];
const injected = ['injected_file_content_bytes', 'injected_file_path_bytes', 'injected_files'];
const networks = ['fixed_ips', 'floating_ips', 'security_group_rules', 'security_groups'];

describe('quota set', () => {
  test.each([
    [1, [...lasting, ...injected, ...networks]],
    [35, [...lasting, ...injected, ...networks]],
    [36, [...lasting, ...injected]],
    [56, [...lasting, ...injected]],
    [57, lasting],
    [93, lasting],
  ])('at 2.%i, sorted, after the id', (minor, names) => {
    expect(Object.keys(quotaView(limits, at(minor), 'p'))).toEqual(['id', ...names.toSorted()]);
  });

  test('networks have no limit, and without an id there is none', () => {
    expect(quotaView(limits, at(1))).toEqual({
      ...limits,
      fixed_ips: -1,
      floating_ips: -1,
      security_group_rules: -1,
      security_groups: -1,
    });
  });

  test('in detail, with what is used', () => {
    expect(quotaDetailView(limits, used, at(57), 'p')).toMatchObject({
      id: 'p',
      cores: { limit: 20, in_use: 3, reserved: 0 },
      server_groups: { limit: 8, in_use: 1, reserved: 0 },
      key_pairs: { limit: 100, in_use: 0, reserved: 0 },
    });
    expect(quotaDetailView(limits, used, at(1), 'p')).toMatchObject({
      fixed_ips: { limit: -1, in_use: 0, reserved: 0 },
    });
  });
});

describe('limits', () => {
  const ofNetworks = [
    'maxTotalFloatingIps',
    'maxSecurityGroups',
    'maxSecurityGroupRules',
    'totalFloatingIpsUsed',
    'totalSecurityGroupsUsed',
  ];
  test.each([
    [1, []],
    [36, ofNetworks],
    [39, [...ofNetworks, 'maxImageMeta']],
    [57, [...ofNetworks, 'maxImageMeta', 'maxPersonality', 'maxPersonalitySize']],
  ])('at 2.%i without what went away until then', (minor, gone) => {
    const all = {
      maxTotalInstances: 10,
      maxTotalCores: 20,
      maxTotalRAMSize: 51_200,
      maxServerMeta: 128,
      maxImageMeta: 128,
      maxPersonality: 5,
      maxPersonalitySize: 10_240,
      maxTotalKeypairs: 100,
      maxServerGroups: 8,
      maxServerGroupMembers: 9,
      maxTotalFloatingIps: -1,
      maxSecurityGroups: -1,
      maxSecurityGroupRules: -1,
      totalRAMUsed: 192,
      totalCoresUsed: 3,
      totalInstancesUsed: 2,
      totalFloatingIpsUsed: 0,
      totalSecurityGroupsUsed: 0,
      totalServerGroupsUsed: 1,
    };
    const absolute = Object.fromEntries(Object.entries(all).filter(([name]) => !gone.includes(name)));
    expect(limitsView(limits, used, at(minor))).toEqual({ rate: [], absolute });
  });
});

describe('server group', () => {
  const row: ServerGroupRow = {
    uuid: 'g',
    project_id: 'p',
    user_id: 'u',
    name: 'apart',
    policy: 'anti-affinity',
    max_server_per_host: 2,
    members: ['b', 'a'],
  };
  const old = { id: 'g', name: 'apart', policies: ['anti-affinity'], metadata: {}, members: ['b', 'a'] };
  const owner = { project_id: 'p', user_id: 'u' };

  test.each([
    [1, old],
    [12, old],
    [13, { ...old, ...owner }],
    [63, { ...old, ...owner }],
    [
      64,
      {
        id: 'g',
        name: 'apart',
        policy: 'anti-affinity',
        rules: { max_server_per_host: 2 },
        members: ['b', 'a'],
        ...owner,
      },
    ],
  ])('at 2.%i', (minor, expected) => {
    expect(serverGroupView(row, at(minor))).toEqual(expected);
  });

  test('without rules it has an empty object of them', () => {
    expect(serverGroupView({ ...row, max_server_per_host: null }, at(64))).toHaveProperty('rules', {});
  });

  test.each([
    [1, { policies: ['affinity'] }, { policy: 'affinity', max_server_per_host: null }],
    [15, { policies: ['soft-affinity'] }, { policy: 'soft-affinity', max_server_per_host: null }],
    [64, { policy: 'soft-affinity' }, { policy: 'soft-affinity', max_server_per_host: null }],
    [
      64,
      { policy: 'anti-affinity', rules: { max_server_per_host: '3' } },
      { policy: 'anti-affinity', max_server_per_host: 3 },
    ],
    [64, { policy: 'affinity', rules: {} }, { policy: 'affinity', max_server_per_host: null }],
  ])('is read from the body of 2.%i %j', (minor, body, expected) => {
    const wish = readGroupBody({ server_group: { name: 'x', ...body } }, new Microversion(minor));
    expect(wish).toEqual({ name: 'x', ...expected });
  });

  test.each([
    [14, { policies: ['soft-affinity'] }, "'soft-affinity' is not one of ['anti-affinity', 'affinity']"],
    [1, { policies: [] }, '[] is too short'],
    [63, { policy: 'affinity' }, "'policies' is a required property"],
    [64, { policies: ['affinity'] }, "'policy' is a required property"],
    [64, { policy: 'affinity', rules: { max_server_per_host: 0 } }, '0 is less than the minimum of 1'],
    [64, { policy: 'affinity', rules: { max_server_per_host: '' } }, "'' is too short"],
    [64, { policy: 'affinity', rules: { most: 1 } }, "Additional properties are not allowed ('most' was"],
  ])('is refused at 2.%i %j', (minor, body, text) => {
    expect(() => readGroupBody({ server_group: { name: 'x', ...body } }, new Microversion(minor))).toThrow(
      text,
    );
  });
});

describe('usage', () => {
  const period = { start: new Date('2026-11-01T00:00:00Z'), stop: new Date('2026-11-02T00:00:00Z') };
  const usage = {
    project_id: 'p',
    hours: 1.5,
    vcpu_hours: 3,
    memory_mb_hours: 192,
    local_gb_hours: 1.5,
    servers: null,
  };

  test('has the sums and the period', () => {
    expect(usageView(usage, period)).toEqual({
      tenant_id: 'p',
      total_local_gb_usage: 1.5,
      total_vcpus_usage: 3,
      total_memory_mb_usage: 192,
      total_hours: 1.5,
      start: '2026-11-01T00:00:00.000000',
      stop: '2026-11-02T00:00:00.000000',
    });
  });

  test('names the servers where they were asked for', () => {
    const server = {
      uuid: 's',
      name: 'vm',
      flavor_name: 'm1.nano',
      vcpus: 1,
      memory_mb: 64,
      local_gb: 1,
      state: 'active',
      hours: 1.5,
      started_at: '2026-11-01T22:30:00+00:00',
      ended_at: null,
      uptime_seconds: 5400,
    };
    expect(usageView({ ...usage, servers: [server] }, period)).toHaveProperty('server_usages', [
      {
        hours: 1.5,
        flavor: 'm1.nano',
        instance_id: 's',
        name: 'vm',
        memory_mb: 64,
        local_gb: 1,
        vcpus: 1,
        tenant_id: 'p',
        started_at: '2026-11-01T22:30:00.000000',
        ended_at: null,
        state: 'active',
        uptime: 5400,
      },
    ]);
  });
});

describe('number of an aggregate', () => {
  test.each([
    ['1', 1],
    [' 7 ', 7],
    ['+3', 3],
    ['2147483647', 2_147_483_647],
  ])('%j is %i', (text, id) => {
    expect(aggregateId(text)).toBe(id);
  });
  test.each([
    ['abc', 'id must be an integer'],
    ['', 'id must be an integer'],
    ['1.5', 'id must be an integer'],
    ['-1', 'Aggregate -1 could not be found.'],
    ['99999999999', 'Aggregate 99999999999 could not be found.'],
  ])('%j: %s', (text, message) => {
    expect(() => aggregateId(text)).toThrow(message);
  });
});
