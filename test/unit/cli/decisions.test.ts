import { describe, expect, test } from 'vitest';
import { found, foundText, none, noneText } from './decision-samples.ts';
import { runCommand, vm1, vm1Routes, type Routes } from './run-command.ts';

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
