import { appendFileSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { PowerState } from '../../../shared/domain/states.ts';
import { flipBit, qemuImg } from './disk-images.ts';
import type { Move } from './disk-pair.ts';
import {
  admitAgain,
  at,
  base,
  begin,
  cached,
  expectVerified,
  finish,
  MEBIBYTE,
  named,
  pair,
  refused,
  replace,
  sha512,
  useBase,
} from './support/changing-base.ts';

useBase();

describe('the source of a guest that runs', () => {
  /** Moves a guest that runs, and has something happen between two rounds. */
  async function warm(betweenRounds: () => void) {
    const move = await begin();
    await move.here.run('power_on', {}, 1);
    await move.admit();
    const { hypervisor } = pair.source;
    let asked = 0;
    hypervisor.takeDirty = () => {
      asked += 1;
      if (asked === 2) betweenRounds();
      return Promise.resolve(null);
    };
    const order = () => ({ ...move.order(), downtime_budget_seconds: 0, tells_changes: true });
    return { move, order };
  }
  const stateOf = async (move: Move) => (await pair.source.hypervisor.describe(move.id))?.power_state;

  test('is written to between the rounds of a guest that runs: it runs on, and moves with it', async () => {
    const { move, order } = await warm(() => flipBit(base, at));
    const first = (await move.here.run('precopy', order(), 1)).result;
    const { changed } = first;
    expect(changed?.message).toContain(named);
    expect(await stateOf(move)).toBe(PowerState.running);
    await admitAgain(move, changed?.disks);
    const rounds_seen = first.rounds.length;
    const again = { ...order(), downtime_budget_seconds: 60, rounds_seen };
    const second = (await move.here.run('precopy', again, 1)).result;
    expect(second).not.toHaveProperty('changed');
    // One more, in which the guest still runs while what has changed is sent.
    expect(second.rounds).toHaveLength(rounds_seen + 1);
    expect(second.rounds.at(-1)?.sent_bytes).toBeGreaterThan(MEBIBYTE);
    expect(second.rounds.at(-1)?.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
    await move.here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    const send = vi.spyOn(pair.sender, 'send');
    const last = (await move.here.run('copy', { ...move.order(), after_precopy: true }, 1)).result;
    expect(last.sent_bytes).toBeLessThan(0.1 * MEBIBYTE);
    // And the file is not read once more for that.
    expect(send).toHaveBeenCalledWith(expect.anything(), expect.anything(), { disk: null });
    await expectVerified(move, last);
    await finish(move);
  });

  test.each<[string, (move: Move) => void, (move: Move) => void, RegExp]>([
    ['made longer', () => undefined, () => appendFileSync(base, 'more'), /base\.img on source/],
    [
      'written to where the target has it',
      () => copyFileSync(base, cached('target', sha512(base))),
      () => flipBit(base, at),
      /base\.img on source/,
    ],
    // The guest has the file open that it was started on, and goes on with that.
    ['replaced by another file', () => undefined, replace, /base\.img on source.*stands on other files now/],
    [
      'no more what the disk names',
      () => copyFileSync(base, `${base}.other`),
      ({ id }) => {
        flipBit(`${base}.other`, at);
        const disk = join(pair.source.instances_path, id, 'disk');
        qemuImg('rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b', `${base}.other`, disk);
      },
      /base\.img\.other on source.*stands on other files now/,
    ],
  ])('is %s between the rounds: the guest is not stopped for that', async (_name, prepare, change, words) => {
    const { move, order } = await warm(() => change(move));
    prepare(move);
    await admitAgain(move);
    expect(await move.here.answer('precopy', order(), 1)).toMatchObject(refused(words));
    expect(await stateOf(move)).toBe(PowerState.running);
    await move.here.run('abort_copy', {}, 1);
  });
});
