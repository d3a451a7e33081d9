import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { decide } from '../../../services/scheduler/placement/decide.ts';
import { createSnapshot } from '../../../services/scheduler/placement/snapshot.ts';
import { loadProblem } from '../../../services/scheduler/placement/text-form/problem.ts';
import { host, request, settings } from '../../unit/scheduler/placement/builders.ts';
import { HostLists } from '../../../services/scheduler/host-lists.ts';
import { packRecord } from '../../../services/scheduler/placement-record.ts';
import { call, fixture, useServersFixture } from './server-requests.ts';
import { missingId } from './servers-fixture.ts';

useServersFixture();

describe('a decision', () => {
  const server = randomUUID();
  const store = async (created_at: string, chosen: string | null, refusals: object): Promise<string> => {
    const id = randomUUID();
    const snapshot = createSnapshot([host('c1').state, host('c2').state, host('c3').down().state], 1);
    const decision = decide(snapshot, request().request, settings(), '');
    const lists = new HostLists(fixture.pool);
    await lists.store(decision.rejections.columns()!.names);
    await fixture.pool.query(
      `insert into decisions (id, kind, instance_uuid, request_id, chosen_host, summary, record, refusals, created_at)
       values ($1, 'cold', $2, 'req-x', $3, 'a summary', $4, $5, $6)`,
      [
        id,
        server,
        chosen,
        packRecord(decision, (names) => lists.digestOf(names)),
        JSON.stringify(refusals),
        created_at,
      ],
    );
    return id;
  };

  test('is shown host by host, with what was found when it was claimed; whole on request', async () => {
    const id = await store('2026-01-01', 'c2', { c1: 'was disabled' });
    const { body } = await call('GET', `/decisions/${id}`);
    expect(body.decision).toMatchObject({
      id,
      server_id: server,
      chosen_host: 'c2',
      hosts_considered: 3,
      hosts_weighed: 2,
      hosts_left_out: 0,
      reasons: [{ filter: 'ComputeFilter', hosts: 1 }],
    });
    expect(body.decision.hosts.map((one: any) => [one.host, one.verdict])).toEqual([
      ['c2', 'chosen'],
      ['c1', 'refused'],
      ['c3', 'rejected'],
    ]);
    expect(body.decision).not.toHaveProperty('record');
    const short = await call('GET', `/decisions/${id}?hosts=1&record=true`);
    expect(short.body.decision.hosts).toHaveLength(1);
    expect(short.body.decision.hosts_left_out).toBe(2);
    expect(short.body.decision.record.chosen).toBe('c1');
  });

  test('of a server: the newest first', async () => {
    const newest = await store('2026-01-03', null, {});
    await store('2026-01-02', null, {});
    const { body } = await call('GET', `/decisions?server=${server}&limit=1`);
    expect(body.decisions).toMatchObject([{ id: newest, chosen_host: null, summary: 'a summary' }]);
    expect((await call('GET', `/decisions?limit=0`)).body.decisions).toEqual([]);
  });

  test.each([missingId, 'x'])('%s is not found', async (unknown) => {
    expect((await call('GET', `/decisions/${unknown}`)).status).toBe(404);
  });

  test.each(['hosts=-1', 'hosts=x', 'record=1', 'x=1'])('refuses ?%s', async (query) => {
    expect((await call('GET', `/decisions/${missingId}?${query}`)).status).toBe(400);
  });
});

describe('questions to placement', () => {
  let server: string;
  beforeAll(async () => {
    server = await fixture.server();
    await fixture.pool.query(`delete from host_inventories`);
    await fixture.pool.query(
      `insert into host_inventories (host_id, resource_class, total, max_unit)
       select h.id, c.name, c.total, c.total from hosts h,
         (values ('VCPU', 8), ('MEMORY_MB', 1024), ('DISK_GB', 10)) as c (name, total)`,
    );
    await fixture.pool.query(`update services set disabled = host = 'compute2', disabled_reason = 'repair'`);
  });

  test('a dry run says where a server would go, and writes nothing', async () => {
    const before = await fixture.pool.query(`select count(*) from operations`);
    const { status, body } = await call('POST', '/decisions', { servers: [{ id: server }] });
    expect(status).toBe(200);
    expect(body.decisions).toMatchObject([{ server_id: server, chosen_host: 'compute3' }]);
    expect(body.decisions[0].hosts).toContainEqual({
      host: 'compute2',
      verdict: 'rejected',
      weight: null,
      reason: 'ComputeFilter: disabled: "repair"',
    });
    const after = await fixture.pool.query(`select count(*) from operations`);
    expect(after.rows).toEqual(before.rows);
  });

  test('a host that does not exist is refused as the real move refuses it', async () => {
    const { status, body } = await call('POST', '/decisions', { servers: [{ id: server, host: 'nope' }] });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ message: 'Compute host nope could not be found.' });
  });

  test('each server of a list takes from what the next may have', async () => {
    const others = await Promise.all(Array.from({ length: 17 }, async () => fixture.server()));
    const { body } = await call('POST', '/decisions', { servers: others.map((id) => ({ id })) });
    const chosen = body.decisions.map((decision: any) => decision.chosen_host);
    // 16 servers would fit into the memory and 10 into the disk, but only 8 into the VCPUs.
    expect(chosen.filter((host: string | null) => host === 'compute3')).toHaveLength(8);
    expect(body.decisions.at(-1).summary).toMatch(/^No valid host was found\. /);
  });

  test('the version changes with the cluster and not with a question', async () => {
    const version = async () =>
      (await call('POST', '/decisions', { servers: [{ id: server }] })).body.cluster_version;
    const first = await version();
    expect(await version()).toBe(first);
    await fixture.pool.query(`update services set disabled = false where host = 'compute2'`);
    expect(await version()).toBeGreaterThan(first);
    await fixture.pool.query(`update services set disabled = true where host = 'compute2'`);
  });

  test('one host is explained, filter by filter', async () => {
    const { body } = await call('GET', `/hosts/compute2/explain?server=${server}`);
    const refused = body.explanation.verdicts.filter((verdict: any) => !verdict.pass);
    expect(refused).toMatchObject([{ filter: 'ComputeFilter' }]);
    expect((await call('GET', `/hosts/nope/explain?server=${server}`)).status).toBe(404);
    expect((await call('GET', `/hosts/compute2/explain`)).status).toBe(400);
  });

  test('the cluster is dumped as text, with a server’s question when one is named', async () => {
    expect((await call('GET', '/cluster', undefined, null)).status).toBe(401);
    const plain = loadProblem((await call('GET', '/cluster')).text, settings());
    expect(plain.snapshot.hosts.map(({ name }) => name)).toEqual(['compute1', 'compute2', 'compute3']);
    expect(plain.requests).toEqual([]);
    const asked = loadProblem((await call('GET', `/cluster?server=${server}`)).text, settings());
    const [first] = asked.requests;
    expect(first?.name).toBe(server);
    expect(decide(asked.snapshot, first!.request, asked.settings, '').chosen).toBe('compute3');
  });

  test('a migration is asked for with a limit and the version of its dry run', async () => {
    const mover = await fixture.server();
    const answer = await call('POST', '/migrations', {
      server: mover,
      host: 'compute3',
      limit_bytes_per_second: 5,
      if_cluster_version: 7,
    });
    expect(answer.status).toBe(202);
    expect(answer.body.migration).toMatchObject({
      server_id: mover,
      requested_host: 'compute3',
      status: 'pre-migrating',
    });
    const { rows } = await fixture.pool.query(`select request from operations where instance_uuid = $1`, [
      mover,
    ]);
    expect(rows[0].request).toEqual({ host: 'compute3', limit_bytes_per_second: 5, if_cluster_version: 7 });
  });

  test('a warm migration is asked for with its budget, or the configured one', async () => {
    const [named, plain] = [await fixture.server(), await fixture.server()];
    const asked = await call('POST', '/migrations', {
      server: named,
      mode: 'warm',
      downtime_budget_seconds: 2.5,
    });
    expect(asked.body.migration).toMatchObject({
      mode: 'warm',
      downtime: { budget_seconds: 2.5, predicted_seconds: null, measured_seconds: null },
      rounds: [],
      precopy_ended: null,
    });
    await call('POST', '/migrations', { server: plain, mode: 'warm' });
    const { rows } = await fixture.pool.query(
      `select request from operations where instance_uuid in ($1, $2) order by created_at`,
      [named, plain],
    );
    expect(rows.map(({ request }) => request)).toEqual([
      { mode: 'warm', downtime_budget_seconds: 2.5 },
      { mode: 'warm', downtime_budget_seconds: 30 },
    ]);
    const refused = { server: plain, mode: 'tepid' };
    expect((await call('POST', '/migrations', refused)).status).toBe(400);
    expect(
      (await call('POST', '/migrations', { ...refused, mode: 'warm', downtime_budget_seconds: -1 })).status,
    ).toBe(400);
  });

  test.each([
    ['no server', { servers: [] }],
    ['a name', { servers: [{ id: 'vm1' }] }],
    ['a path for a host', { servers: [{ id: missingId, host: '../x' }] }],
  ])('refuses %s', async (_what, body) => {
    expect((await call('POST', '/decisions', body)).status).toBe(400);
  });
});
