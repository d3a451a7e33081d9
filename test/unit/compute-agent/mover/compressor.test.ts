import { expect, test } from 'vitest';
import { Compressor } from '../../../../services/compute-agent/mover/sender/compressor.ts';

const MEBIBYTE = 1024 * 1024;
const plain = Buffer.alloc(MEBIBYTE);
const MS_PER_SECOND = 1000;

/** A host that packs at one rate, to one part of the size, and a link of one rate: how many of so many payloads were packed? */
async function packedOf(
  payloads: number,
  host: {
    readonly packing_mib_s: number;
    readonly ratio: number;
    readonly link_mib_s: number;
    readonly idle_cores: number;
    readonly cores?: number;
    readonly limit_mib_s?: number;
  },
): Promise<number> {
  let now_milliseconds = 0;
  const compressor = new Compressor({
    now_milliseconds: () => now_milliseconds,
    pack: ({ length }) => {
      now_milliseconds += (length / (host.packing_mib_s * MEBIBYTE)) * MS_PER_SECOND;
      return Promise.resolve(Buffer.alloc(Math.ceil(length * host.ratio)));
    },
    cores: host.cores ?? 2,
    idleCores: () => host.idle_cores,
  });
  let packed = 0;
  for (let payload = 0; payload < payloads; payload += 1) {
    const sent = (await compressor.pack(plain, (host.limit_mib_s ?? 0) * MEBIBYTE)) ?? plain;
    if (sent !== plain) packed += 1;
    compressor.noteSent(sent.length, (sent.length / (host.link_mib_s * MEBIBYTE)) * MS_PER_SECOND);
  }
  return packed;
}

const text = { packing_mib_s: 100, ratio: 0.3, idle_cores: 0 };

test.for([
  ['a slow link', { ...text, link_mib_s: 50 }, 320],
  ['a link that is faster than packing', { ...text, link_mib_s: 200 }, 10],
  ['a fast link with a limit below', { ...text, link_mib_s: 200, limit_mib_s: 20 }, 320],
  ['a link that only two cores can feed, and one of them is busy', { ...text, link_mib_s: 110 }, 10],
  ['the same with an idle core', { ...text, link_mib_s: 110, idle_cores: 1 }, 320],
  ['an idle core that must not be used', { ...text, link_mib_s: 110, idle_cores: 1, cores: 1 }, 10],
  ['idle cores beyond those that would pack', { ...text, link_mib_s: 250, idle_cores: 30 }, 10],
  ['what does not get shorter', { ...text, ratio: 1, link_mib_s: 10 }, 0],
] as const)('%s', async ([, host, packed]) => {
  expect(await packedOf(320, host)).toBe(packed);
});

test('short payloads are not worth the call', async () => {
  const compressor = new Compressor({
    now_milliseconds: () => 0,
    pack: () => expect.unreachable('it was packed'),
    cores: 1,
    idleCores: () => 0,
  });
  expect(await compressor.pack(Buffer.alloc(100), 1)).toBeNull();
});

test('a core that is idle only while nothing is packed stays in use', async () => {
  // Two cores, each packs 100 MiB/s; the link takes 110.
  let now_milliseconds = 0;
  let both_packed = false;
  const compressor = new Compressor({
    now_milliseconds: () => now_milliseconds,
    pack: async ({ length }) => {
      const done_at = now_milliseconds + 10;
      await Promise.resolve();
      now_milliseconds = Math.max(now_milliseconds, done_at);
      return Buffer.alloc(Math.ceil(length * 0.3));
    },
    cores: 2,
    idleCores: () => (both_packed ? 0 : 1),
  });
  const laps: boolean[] = [];
  for (let lap = 0; lap < 100; lap += 1) {
    const both = await Promise.all([compressor.pack(plain, 0), compressor.pack(plain, 0)]);
    both_packed = both.every((packed) => packed !== null);
    laps.push(both_packed);
    compressor.noteSent(MEBIBYTE, MS_PER_SECOND / 110);
  }
  expect(laps.slice(10)).toEqual(Array<boolean>(90).fill(true));
});
