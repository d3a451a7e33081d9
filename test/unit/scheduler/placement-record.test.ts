import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostName } from '../../../shared/domain/ids.ts';
import { packRejections, unpackRejections } from '../../../services/scheduler/placement-record-columns.ts';
import { packRecord, unpackRecord } from '../../../services/scheduler/placement-record.ts';
import { decide } from '../../../services/scheduler/placement/decide.ts';
import type { Decision, RejectionColumns } from '../../../services/scheduler/placement/decision.ts';
import { decisionOf, replay } from '../../../services/scheduler/placement/record.ts';
import { createSnapshot } from '../../../services/scheduler/placement/snapshot.ts';
import { anyHosts, anyRequest, anySeed, anySettings } from './placement/fleet.ts';

const readable = (decision: Decision): unknown => JSON.parse(JSON.stringify(decision));
const unpacked = async (decision: Decision, packed: Buffer): Promise<unknown> =>
  await unpackRecord(packed, (digest) => {
    expect(digest).toBe('the list');
    return Promise.resolve(decision.rejections.columns()?.names ?? []);
  });

describe('a packed record', () => {
  it('reads back as the readable one, and replays to the same answer', async () => {
    await fc.assert(
      fc.asyncProperty(anyHosts, anyRequest, anySettings, anySeed, async (hosts, request, settings, seed) => {
        const decision = decide(createSnapshot(hosts), request, settings, seed);
        const packed = packRecord(decision, () => 'the list');
        const record = await unpackRecord(packed, () =>
          Promise.resolve(decision.rejections.columns()?.names ?? []),
        );
        expect(JSON.parse(JSON.stringify(record))).toEqual(readable(decision));
        expect(replay(record)).toMatchObject({ chosen: decision.chosen, alternates: decision.alternates });
      }),
    );
  });

  it('of the form before, JSON, is read too; a decision that was read back is written so', async () => {
    const [hosts, request, settings] = fc.sample(fc.tuple(anyHosts, anyRequest, anySettings), {
      numRuns: 1,
      seed: 1,
    })[0]!;
    const decision = decide(createSnapshot(hosts), request, settings, 'seed');
    const before = zstdCompressSync(JSON.stringify(decision));
    expect(await unpacked(decision, before)).toEqual(readable(decision));
    const again = decisionOf(readable(decision) as Parameters<typeof decisionOf>[0]);
    expect(
      await unpacked(
        decision,
        packRecord(again, () => 'the list'),
      ),
    ).toEqual(readable(decision));
  });
});

describe('rejections in columns', () => {
  const names = Array.from({ length: 41 }, (_, row) => hostName(`c${row}`));
  const columns = (groups: ReadonlyArray<readonly number[]>): RejectionColumns => {
    const places = groups.flatMap((numbers, group) => numbers.map((number) => ({ group, number })));
    return {
      names,
      heads: groups.map((_, group) => ({ filter: 'F', code: `code${group}`, message: 'short of {short}' })),
      rows: Int32Array.from(places, (_, place) => place),
      groups: Uint32Array.from(places, ({ group }) => group),
      available: Float64Array.from(places, ({ number }) => number),
    };
  };
  const none = Number.NaN;

  it.each([
    ['no groups', []],
    ['no numbers', [[none, none]]],
    ['zero and one host', [[0], [5]]],
    ['multiples, negative ones too', [[512, -1024, 0, 1536, 512 * 1000]]],
    ['numbers beyond 32 bits', [[2 ** 41, 2 ** 40 + 1, -(2 ** 41)]]],
    ['numbers beyond what is exact', [[2 ** 60, 1e300, 0.1 + 0.2]]],
    ['more than fifteen groups', Array.from({ length: 20 }, (_, group) => [group, group * 1000])],
    ['a group that nobody belongs to', [[1], [], [2]]],
  ])('with %s', (_what, groups) => {
    const given = columns(groups);
    const expected = groups.flatMap((numbers, group) => {
      if (numbers.length === 0) return [];
      const first = groups.slice(0, group).reduce((sum, before) => sum + before.length, 0);
      const hosts = names.slice(first, first + numbers.length);
      const has_numbers = !numbers.some((number) => Number.isNaN(number));
      return [{ ...given.heads[group], hosts, ...(has_numbers ? { availables: numbers } : {}) }];
    });
    expect(unpackRejections(packRejections(given), names, given.heads)).toEqual(expected);
  });

  it('with a group for each of seventy thousand hosts', () => {
    const many = Array.from({ length: 70_000 }, (_, row) => hostName(`c${row}`));
    const places = Uint32Array.from(many, (_, row) => row);
    const given: RejectionColumns = {
      names: many,
      heads: many.map((name) => ({ filter: 'F', code: 'unlike', message: `is called ${name}` })),
      rows: Int32Array.from(places),
      groups: places,
      available: new Float64Array(many.length).fill(none),
    };
    const read = unpackRejections(packRejections(given), many, given.heads);
    expect(read.map(({ message, hosts }) => `${message} ${hosts.join()}`)).toEqual(
      many.map((name) => `is called ${name} ${name}`),
    );
  });
});
