import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { brokerDefinitions } from '../../../scripts/cluster/rabbitmq-definitions.ts';

interface Definitions {
  readonly users: ReadonlyArray<{ name: string; tags: string; password_hash: string }>;
  readonly permissions: ReadonlyArray<Record<'user' | 'vhost' | 'configure' | 'write' | 'read', string>>;
  readonly topic_permissions: ReadonlyArray<Record<'user' | 'exchange' | 'write' | 'read', string>>;
}

const definitions = brokerDefinitions({
  virtual_hosts: ['/'],
  admin: { name: 'drover', password: 'admin-secret' },
  agents: [
    { host: 'compute1', password: 'one' },
    { host: 'rack.b-2', password: 'two' },
  ],
}) as Definitions;

const of = (user: string) => definitions.permissions.find((one) => one.user === user)!;
const topicsOf = (user: string) => definitions.topic_permissions.find((one) => one.user === user)!;

test("an agent's rights are its own queue, its own routing key, and no declaring", () => {
  const { configure, write, read } = of('drover-agent-compute1');
  const allowed = (pattern: string, name: string) => new RegExp(pattern).test(name);
  expect(allowed(configure, 'drover.agent.compute1')).toBe(false);
  expect(allowed(read, 'drover.agent.compute1')).toBe(true);
  for (const name of [
    'drover.agent.compute10',
    'drover.agent.compute2',
    'drover.scheduler',
    'xdrover.agent.compute1',
  ])
    expect(allowed(read, name)).toBe(false);
  expect(allowed(write, 'drover.events')).toBe(true);
  for (const name of ['drover.commands', 'drover.agent.compute1', 'drover-events', ''])
    expect(allowed(write, name)).toBe(false);
  expect(allowed(topicsOf('drover-agent-compute1').write, 'event.compute1')).toBe(true);
  for (const key of ['event.compute10', 'event.compute2', 'wake', 'event.compute1.x'])
    expect(allowed(topicsOf('drover-agent-compute1').write, key)).toBe(false);
});

test('a dot in a host name stands for itself', () => {
  expect(new RegExp(of('drover-agent-rack.b-2').read).test('drover.agent.rackxb-2')).toBe(false);
  expect(new RegExp(of('drover-agent-rack.b-2').read).test('drover.agent.rack.b-2')).toBe(true);
});

test('passwords are salted and hashed in the form of RabbitMQ, and no agent is an administrator', () => {
  const admin = definitions.users.find((user) => user.name === 'drover')!;
  const bytes = Buffer.from(admin.password_hash, 'base64');
  const digest = createHash('sha256').update(bytes.subarray(0, 4)).update('admin-secret').digest();
  expect(bytes.subarray(4).equals(digest)).toBe(true);
  expect(JSON.stringify(definitions)).not.toContain('admin-secret');
  expect(definitions.users.filter((user) => user.tags !== '').map((user) => user.name)).toEqual(['drover']);
});
