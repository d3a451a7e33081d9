import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

const racks = join(import.meta.dirname, '../../data/three-racks.cluster');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-simulate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const simulate = (...words: string[]) => runCommand(['placement', 'simulate', ...words]);

describe('placement simulate', () => {
  test('says where a flavor would go', async () => {
    const { stdout } = await simulate(racks, '--flavor', 'vcpus=2,memory_mb=6000,ignore=c1,c2');
    expect(stdout).toBe(`\
+------+----------+--------+---------------------------------------------------------+
| Host | Verdict  | Weight | Reason                                                  |
+------+----------+--------+---------------------------------------------------------+
| c4   | chosen   | 0.00   | the only host that passes every filter                  |
| c1   | rejected |        | HostSelection: left out: tried before, or to be ignored |
| c2   | rejected |        | HostSelection: left out: tried before, or to be ignored |
| c3   | rejected |        | ComputeFilter: its agent does not report                |
+------+----------+--------+---------------------------------------------------------+
Chosen: c4; 1 of 4 hosts passed every filter.
Rejected: 2 by HostSelection (left out: tried before, or to be ignored), 1 by ComputeFilter (its agent does not report).
`);
  });

  test('decides requests in order, each on what those before it left, and only those that are asked for', async () => {
    const requests = written(
      'requests',
      'request a memory_mb=48000\nrequest b memory_mb=48000\nexpect a host=c4\nexpect b host=none reason=Capacity\n',
    );
    const both = await simulate(racks, requests, '-f', 'value', '-c', 'Server', '-c', 'To');
    expect([both.stdout, both.failure]).toEqual(['a c4\nb \n', null]);
    const second = await simulate(racks, requests, '--server', 'b');
    expect(second.stderr).toBe('b: expected no host, found c4\n');
    expect([second.failure?.exit_code, second.failure?.message]).toEqual([
      3,
      '1 of the expectations are not met.',
    ]);
  });

  test('explains one host, also what comes after the first filter that rejects it', async () => {
    const { stdout } = await simulate(racks, '--flavor', 'memory_mb=99000', '--explain', 'c3');
    expect(stdout).toContain('| Capacity                      | rejected | short of 33976 MB');
    expect(stdout).toContain('| ComputeFilter                 | rejected | its agent does not report');
    expect(stdout).toContain('c3 is rejected. No host would be chosen.');
  });

  test.each([
    ['request a memory_m=5', `3: "memory_m" is not known here; did you mean "memory_mb"?.`],
    ['request a group=g', '3: there is no group g.'],
    ['setting filter_scheduler host_subset=2', '3: [filter_scheduler] has no option host_subset'],
    ['expect a host=c1', '3: there is no request a above this line.'],
    ['hosst c1', '3: "hosst" is not one of'],
  ])('names the line of %j', async (line, message) => {
    const file = written('wrong', `# first\n\n${line}\n`);
    const { failure } = await simulate(racks, file, '--flavor', 'vcpus=1');
    expect(failure?.exit_code).toBe(2);
    expect(failure?.message).toContain(`${file}:${message}`);
  });

  test.each([
    [[racks], 'The files ask for nothing.'],
    [[racks, '--server', 'x'], "No request named 'x' in the files. There are: none."],
    [[racks, '--flavor', 'vcpus=1', '--explain', 'x'], "No host named 'x' in the files."],
    [['/nonexistent/file'], '/nonexistent/file cannot be read'],
  ])('%j is wrong usage', async (words, message) => {
    const { failure } = await simulate(...words);
    expect(failure?.exit_code).toBe(2);
    expect(failure?.message).toContain(message);
  });

  test('an unknown filter is named with the nearest ones', async () => {
    const file = written('filter', 'setting filter_scheduler enabled_filters=RamFliter\n');
    await expect(simulate(racks, file, '--flavor', 'vcpus=1')).rejects.toThrow(/RamFliter.*RamFilter/s);
  });
});
