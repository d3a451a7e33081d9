import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { found, foundText, none, noneText } from './decision-samples.ts';
import { runCommand, vm1, vm1Routes, type Routes } from './run-command.ts';

const vm2 = '22222222-2222-4222-8222-222222222222';

describe('dry runs', () => {
  const answered = (...decisions: object[]): Routes => ({
    ...vm1Routes,
    'GET /compute/servers/vm2': {
      server: { id: vm2, name: 'vm2', 'OS-EXT-SRV-ATTR:host': 'c2' },
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

  const planText = `\
+--------+------+----+------------+----------------------------------------------------------------------+
| Server | From | To | Alternates | Reason                                                               |
+--------+------+----+------------+----------------------------------------------------------------------+
| vm1    | c1   | c4 | c1         | RAMWeigher +2.00, CPUWeigher +1.00                                   |
| vm2    | c2   |    |            | No valid host was found. 1 of 1 host: RamFilter (short of 2048 MB) 1 |
+--------+------+----+------------+----------------------------------------------------------------------+
`;
  const several = ['server', 'migrate', 'vm1', 'vm2', '--dry-run'];

  test.each([[several], [['migration', 'plan', 'vm1', 'vm2']]])(
    'of several servers are a plan, asked for at once and in their order: %j',
    async (words) => {
      const { stdout, failure, requests } = await runCommand(words, answered(found, none));
      expect(stdout).toBe(planText);
      expect([failure?.exit_code, failure?.message]).toEqual([3, 'No host for 1 of 2 servers: vm2.']);
      expect(requests.filter((request) => request.startsWith('POST'))).toEqual([
        `POST /drover/decisions?hosts=1 {"servers":[{"id":"${vm1}"},{"id":"${vm2}"}]}`,
      ]);
    },
  );

  const rows = [
    { Server: 'vm1', To: 'c4' },
    { Server: 'vm2', To: null },
  ];
  test.each([
    ['json', rows, (text: string) => JSON.parse(text) as unknown],
    ['yaml', rows, (text: string) => parse(text) as unknown],
    ['csv', '"Server","To"\n"vm1","c4"\n"vm2",""\n', (text: string) => text],
    ['value', 'vm1 c4\nvm2 \n', (text: string) => text],
  ])('of several servers as %s are rows for a script', async (format, wanted, read) => {
    const words = [...several, '-f', format, '-c', 'Server', '-c', 'To'];
    const { stdout } = await runCommand(words, answered(found, none));
    expect(read(stdout)).toEqual(wanted);
  });

  test('of several servers that all find a host end well', async () => {
    const { failure, stderr } = await runCommand(several, answered(found, found));
    expect(failure).toBeNull();
    expect(stderr).toBe('Nothing was moved. The plan holds for cluster version 42.\n');
  });

  test('of a server that is named twice ask for nothing', async () => {
    const words = ['server', 'migrate', 'vm1', vm1, '--dry-run'];
    const routes = { ...answered(), [`GET /compute/servers/${vm1}`]: vm1Routes['GET /compute/servers/vm1'] };
    const { failure, requests } = await runCommand(words, routes);
    expect([failure?.exit_code, failure?.message]).toEqual([
      1,
      `The same server was named twice: vm1, ${vm1}.`,
    ]);
    expect(requests.filter((request) => request.startsWith('POST'))).toEqual([]);
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

  test('several are refused before anything is asked: only a dry run takes them', async () => {
    const { failure, requests } = await runCommand(['server', 'migrate', 'vm1', 'vm2'], routes);
    expect([failure?.exit_code, failure?.message, failure?.advice]).toEqual([
      2,
      'One server is moved by a command, but 2 were named: vm1, vm2.',
      'Give one command for each. Where they would go, one after the other: add --dry-run.',
    ]);
    expect(requests).toEqual([]);
  });

  test.each([
    ['confirm', 'confirmResize'],
    ['revert', 'revertResize'],
  ])('%s takes one server', async (word, action) => {
    const { requests } = await runCommand(['server', 'migrate', word, 'vm1'], routes);
    expect(requests.slice(1)).toEqual([`POST /compute/servers/${vm1}/action {"${action}":null}`]);
    await expect(runCommand(['server', 'migrate', word, 'vm1', 'vm2'], routes)).rejects.toThrow(
      'Unknown argument: vm2',
    );
  });

  test('a limit and a version are part of one request', async () => {
    expect(await posted('--host', 'c4', '--limit', '1MiB/s', '--if-cluster-version', '42')).toEqual([
      `POST /drover/migrations {"server":"${vm1}","host":"c4","limit_bytes_per_second":1048576,"if_cluster_version":42}`,
    ]);
  });
});
