import { describe, expect, test } from 'vitest';
import { runCommand, vm1, vm1Routes, type Routes } from './run-command.ts';

const found = {
  id: 'd1',
  summary: 'c4, of 5 hosts.',
  chosen_host: 'c4',
  alternates: ['c1'],
  hosts_considered: 5,
  hosts_weighed: 3,
  reasons: [{ filter: 'RamFilter', code: 'short', hosts: 2, example: 'short of 2048 MB at best' }],
  nearest_miss: null,
  warnings: ['aggregate 3: cpu_weight_multiplier "x" is not a number'],
  hosts: [
    { host: 'c4', verdict: 'chosen', weight: 2.996, reason: 'RAMWeigher +2.00, CPUWeigher +1.00' },
    { host: 'c9', verdict: 'refused', weight: 3, reason: 'when it was to be claimed, it was disabled' },
    { host: 'c1', verdict: 'alternate', weight: 0.5, reason: 'RAMWeigher +0.50' },
    { host: 'c2', verdict: 'rejected', weight: null, reason: 'RamFilter: short of 2048 MB' },
  ],
  hosts_left_out: 1,
};

const foundText = `\
+------+-----------+--------+--------------------------------------------+
| Host | Verdict   | Weight | Reason                                     |
+------+-----------+--------+--------------------------------------------+
| c4   | chosen    | 3.00   | RAMWeigher +2.00, CPUWeigher +1.00         |
| c9   | refused   | 3.00   | when it was to be claimed, it was disabled |
| c1   | alternate | 0.50   | RAMWeigher +0.50                           |
| c2   | rejected  |        | RamFilter: short of 2048 MB                |
+------+-----------+--------+--------------------------------------------+
Chosen: c4; 3 of 5 hosts passed every filter.
Rejected: 2 by RamFilter (short of 2048 MB at best).
1 more host not shown; see --hosts.
Warning: aggregate 3: cpu_weight_multiplier "x" is not a number
`;

const none = {
  ...found,
  summary: 'No valid host was found. 1 of 1 host: RamFilter (short of 2048 MB) 1',
  chosen_host: null,
  alternates: [],
  hosts_considered: 1,
  hosts_weighed: 0,
  reasons: [{ filter: 'RamFilter', code: 'short', hosts: 1, example: 'short of 2048 MB' }],
  nearest_miss: 'host c2 lacks 2,048 MB of RAM',
  warnings: [],
  hosts: [{ host: 'c2', verdict: 'rejected', weight: null, reason: 'RamFilter: short of 2048 MB' }],
  hosts_left_out: 0,
};

const noneText = `\
+------+----------+--------+-----------------------------+
| Host | Verdict  | Weight | Reason                      |
+------+----------+--------+-----------------------------+
| c2   | rejected |        | RamFilter: short of 2048 MB |
+------+----------+--------+-----------------------------+
Chosen: none of 1 host.
Rejected: 1 by RamFilter (short of 2048 MB).
Nearest miss: host c2 lacks 2,048 MB of RAM.
`;

const stored: Routes = {
  ...vm1Routes,
  'GET /drover/decisions/d1?hosts=20': { decision: found },
  'GET /drover/decisions/d2?hosts=5': { decision: none },
};

describe('decision show', () => {
  test('prints a table and what it comes to', async () => {
    const { stdout, failure } = await runCommand(['decision', 'show', 'd1'], stored);
    expect([stdout, failure]).toEqual([foundText, null]);
  });

  test('of no host names the nearest miss', async () => {
    const { stdout } = await runCommand(['decision', 'show', 'd2', '--hosts', '5'], stored);
    expect(stdout).toBe(noneText);
  });

  test('as JSON is the whole decision, as CSV the rows', async () => {
    const json = await runCommand(['decision', 'show', 'd1', '-f', 'json'], stored);
    expect(JSON.parse(json.stdout)).toEqual(found);
    const csv = await runCommand(
      ['decision', 'show', 'd1', '-f', 'csv', '-c', 'Host', '-c', 'weight'],
      stored,
    );
    expect(csv.stdout).toBe('"Host","Weight"\n"c4","3.00"\n"c9","3.00"\n"c1","0.50"\n"c2",""\n');
  });
});

describe('explain', () => {
  test('a server: its newest decision', async () => {
    const { stdout } = await runCommand(['server', 'explain', 'vm1'], {
      ...stored,
      [`GET /drover/decisions?server=${vm1}&limit=1`]: { decisions: [{ id: 'd1' }] },
    });
    expect(stdout).toBe(foundText);
  });

  test('a server without a stored decision', async () => {
    const { failure } = await runCommand(['server', 'explain', 'vm1'], {
      ...stored,
      [`GET /drover/decisions?server=${vm1}&limit=1`]: { decisions: [] },
    });
    expect([failure?.exit_code, failure?.message]).toEqual([1, "No decision about server 'vm1' is stored."]);
  });

  const migration = (fields: object): Routes => ({
    ...stored,
    [`GET /drover/migrations?server=${vm1}&limit=1`]: { migrations: [fields] },
  });

  test('a migration: the decision of the newest one, and that it failed later', async () => {
    const { stdout, stderr } = await runCommand(
      ['server', 'migrate', 'explain', 'vm1'],
      migration({ decision_id: 'd1', target_host: 'c4', reason: { code: 'x', message: 'Disk full.' } }),
    );
    expect([stdout, stderr]).toEqual([foundText, 'The migration did not end there: Disk full.\n']);
  });

  test('a migration for which nothing was decided says why', async () => {
    const { failure } = await runCommand(
      ['server', 'migrate', 'explain', 'vm1'],
      migration({ decision_id: null, reason: { code: 'cluster_changed', message: 'The cluster changed.' } }),
    );
    expect(failure?.message).toBe('No host has been chosen for this migration: The cluster changed.');
  });

  test('a server that never moved is pointed to the dry run', async () => {
    const { failure } = await runCommand(['server', 'migrate', 'explain', 'vm1'], {
      ...stored,
      [`GET /drover/migrations?server=${vm1}&limit=1`]: { migrations: [] },
    });
    expect(failure?.advice).toBe('Ask where it would go: drover server migrate vm1 --dry-run');
  });

  test('a host, filter by filter', async () => {
    const path = `GET /drover/hosts/c2/explain?server=${vm1}`;
    const explanation = {
      host: 'c2',
      verdicts: [
        { filter: 'ComputeFilter', pass: true, code: null, message: null },
        { filter: 'RamFilter', pass: false, code: 'short', message: 'short of 2048 MB' },
      ],
      weighed: null,
      chosen_host: 'c4',
      best: { host: 'c4', weight: 3 },
    };
    const rejected = await runCommand(['host', 'explain', 'c2', '--for', 'vm1'], {
      ...vm1Routes,
      [path]: { explanation },
    });
    expect(rejected.stdout).toBe(`\
+---------------+----------+------------------+
| Filter        | Verdict  | Reason           |
+---------------+----------+------------------+
| ComputeFilter | passed   |                  |
| RamFilter     | rejected | short of 2048 MB |
+---------------+----------+------------------+
c2 is rejected. c4 would be chosen.
`);
    const parts = [{ weigher: 'RAMWeigher', raw: 5, normalised: 0.5, multiplier: 1 }];
    const behind = await runCommand(['host', 'explain', 'c2', '--for', 'vm1'], {
      ...vm1Routes,
      [path]: { explanation: { ...explanation, verdicts: [], weighed: { rank: 6, weight: 0.5, parts } } },
    });
    expect(behind.stdout).toContain(
      'c2 weighs 0.50 (RAMWeigher 0.50), place 7; the best weighs 3.00. c4 would be chosen.',
    );
  });
});

describe('dry runs', () => {
  const answered = (...decisions: object[]): Routes => ({
    ...vm1Routes,
    'GET /compute/servers/vm2': {
      server: { id: '22222222-2222-4222-8222-222222222222', name: 'vm2', 'OS-EXT-SRV-ATTR:host': 'c2' },
    },
    'POST /drover/decisions?hosts=20': { cluster_version: 42, decisions },
    'POST /drover/decisions?hosts=1': { cluster_version: 42, decisions },
  });

  test('of one server moves nothing and says how to do it', async () => {
    const { stdout, stderr, requests } = await runCommand(
      ['server', 'migrate', 'vm1', '--dry-run', '--host', 'c4'],
      answered(found),
    );
    expect(stdout).toBe(foundText);
    expect(stderr).toBe(
      'Nothing was moved. To do it, only if the cluster is still the same:\n' +
        '  drover server migrate vm1 --host c4 --if-cluster-version 42\n',
    );
    expect(requests.filter((request) => request.startsWith('POST'))).toEqual([
      `POST /drover/decisions?hosts=20 {"servers":[{"id":"${vm1}","host":"c4"}]}`,
    ]);
  });

  test('without a host is a failure that a script can see', async () => {
    const { stdout, failure } = await runCommand(['server', 'migrate', 'vm1', '--dry-run'], answered(none));
    expect(stdout).toBe(noneText);
    expect(failure?.exit_code).toBe(3);
  });

  test('of several servers are a plan', async () => {
    const { stdout, failure } = await runCommand(['migration', 'plan', 'vm1', 'vm2'], answered(found, none));
    expect(stdout).toBe(`\
+--------+------+----+------------+----------------------------------------------------------------------+
| Server | From | To | Alternates | Reason                                                               |
+--------+------+----+------------+----------------------------------------------------------------------+
| vm1    | c1   | c4 | c1         | RAMWeigher +2.00, CPUWeigher +1.00                                   |
| vm2    | c2   |    |            | No valid host was found. 1 of 1 host: RamFilter (short of 2048 MB) 1 |
+--------+------+----+------------+----------------------------------------------------------------------+
`);
    expect(failure?.message).toBe('No host for 1 of 2 servers: vm2.');
  });
});

describe('migrate', () => {
  const routes: Routes = {
    ...vm1Routes,
    'POST /drover/migrations': { migration: {} },
    [`POST /compute/servers/${vm1}/action`]: {},
  };
  const posted = async (...words: string[]) =>
    (await runCommand(['server', 'migrate', 'vm1', ...words], routes)).requests.slice(1);

  test('a plain one goes through Compute', async () => {
    expect(await posted('--host', 'c4')).toEqual([
      `POST /compute/servers/${vm1}/action {"migrate":{"host":"c4"}}`,
    ]);
  });

  test('a limit and a version are part of one request', async () => {
    expect(await posted('--host', 'c4', '--limit', '1MiB/s', '--if-cluster-version', '42')).toEqual([
      `POST /drover/migrations {"server":"${vm1}","host":"c4","limit_bytes_per_second":1048576,"if_cluster_version":42}`,
    ]);
  });
});

describe('operations', () => {
  test('are listed', async () => {
    const { stdout } = await runCommand(['operation', 'list', '--state', 'stuck'], {
      'GET /drover/operations?state=stuck': {
        operations: [
          {
            id: 'o1',
            kind: 'cold',
            server_id: 's1',
            state: 'stuck',
            step: 'adopt',
            attempt: 3,
            reason: { code: 'x', message: 'Disk full.' },
            updated_at: 'now',
          },
        ],
      },
    });
    expect(stdout).toBe(`\
+----+------+--------+-------+-------+---------+------------+------------+
| ID | Kind | Server | State | Step  | Attempt | Reason     | Updated At |
+----+------+--------+-------+-------+---------+------------+------------+
| o1 | cold | s1     | stuck | adopt | 3       | Disk full. | now        |
+----+------+--------+-------+-------+---------+------------+------------+
`);
  });

  test('a stuck one goes on', async () => {
    const { stderr } = await runCommand(['operation', 'resume', 'o1'], {
      'POST /drover/operations/o1/resume': { operation: { kind: 'cold', server_id: 's1' } },
    });
    expect(stderr).toBe('The cold of s1 goes on.\n');
  });
});

test('a cluster is dumped as it came', async () => {
  const { stdout } = await runCommand(['cluster', 'dump', '--for', 'vm1'], {
    ...vm1Routes,
    [`GET /drover/cluster?server=${vm1}`]: 'drover-cluster 1 version=1\n',
  });
  expect(stdout).toBe('drover-cluster 1 version=1\n');
});
