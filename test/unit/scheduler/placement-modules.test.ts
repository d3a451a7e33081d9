import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadPlacementModules } from '../../../services/scheduler/placement-modules.ts';
import { decide } from '../../../services/scheduler/placement/decide.ts';
import { createSnapshot } from '../../../services/scheduler/placement/snapshot.ts';
import { host, request, settings } from './placement/builders.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-modules-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first block of JavaScript on a page of the documentation, as a module. */
function fromDocumentation(page: string): string {
  const text = readFileSync(join(import.meta.dirname, '../../../docs', page), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(text)?.[1];
  return write(page.replace('.md', '.mjs'), code ?? '');
}

function write(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

describe('modules of a site', () => {
  it('the documented filter works as documented', async () => {
    const rules = await loadPlacementModules([fromDocumentation('adding-a-filter.md')]);
    const options = settings({ enabled_filters: ['MaintenanceFilter'] }, rules);
    const hosts = [host('a').aggregate({ maintenance: '2027-01-01' }), host('b')];
    const snapshot = createSnapshot(hosts.map(({ state }) => state));
    const decision = decide(snapshot, request().request, options, '');
    expect(decision.chosen).toBe('b');
    expect([...decision.rejections][0]).toMatchObject({
      filter: 'MaintenanceFilter',
      message: 'is due for maintenance on 2027-01-01',
    });
    const ignoring = request().hint('ignore_maintenance', 'true').request;
    expect(decide(snapshot, ignoring, options, '').weighed).toBe(2);
  });

  it('the documented weigher works as documented', async () => {
    const rules = await loadPlacementModules([fromDocumentation('adding-a-weigher.md')]);
    const hosts = [
      host('a').with({ metrics: { 'cpu.load': 3 } }),
      host('b').with({ metrics: { 'cpu.load': 1 } }),
    ];
    const decision = decide(
      createSnapshot(hosts.map(({ state }) => state)),
      request().request,
      settings({}, rules),
      '',
    );
    expect(decision.chosen).toBe('b');
    expect(decision.ranked[1]?.parts.at(-1)).toEqual({
      weigher: 'LoadWeigher',
      raw: 3,
      normalised: 1,
      multiplier: -2,
    });
  });

  it.each([
    ['empty.mjs', 'export const answer = 42;', 'exports no filter and no weigher'],
    [
      'taken.mjs',
      "export const f = { name: 'RamFilter', prepare: () => null };",
      'there is a RamFilter already',
    ],
    ['broken.mjs', 'export const = ;', 'cannot be used'],
  ])('%s is refused', async (name, code, problem) => {
    await expect(loadPlacementModules([write(name, code)])).rejects.toThrow(problem);
  });

  it('a module that is not there is refused', async () => {
    await expect(loadPlacementModules([join(folder, 'missing.mjs')])).rejects.toThrow('missing.mjs');
  });
});
