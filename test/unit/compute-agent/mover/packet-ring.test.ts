import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PacketRing } from '../../../../services/compute-agent/mover/sender/packet-ring.ts';

/** What of ssh2's cipher the ring knows; it encrypts nothing. */
class AESGCMCipherBinding {
  own_packets = 0;
  _onWrite: (packet: Buffer) => void;

  constructor(write: (packet: Buffer) => void) {
    this._onWrite = write;
  }

  allocPacket(payload_bytes: number): Buffer {
    this.own_packets += 1;
    return Buffer.alloc(4 + 1 + payload_bytes + 16 + 16);
  }

  encrypt(packet: Buffer): void {
    this._onWrite(packet);
  }
}

/** A client whose socket holds what is written to it, by reference as Node does, until it is drained. */
function connection() {
  const held: Buffer[] = [];
  const arrived: Buffer[] = [];
  const sent: Buffer[] = [];
  let writes = 0;
  const cipher = new AESGCMCipherBinding((bytes) => {
    writes += 1;
    held.push(bytes);
  });
  const client = { _protocol: { _cipher: cipher } };
  const socket = {
    get writableLength() {
      return held.reduce((sum, { length }) => sum + length, 0);
    },
  };
  const ring = new PacketRing(client, socket as Socket);
  ring.attach();
  return {
    client,
    cipher,
    ring,
    writes: () => writes,
    send: (payload_bytes: number, fill: number) => {
      const packet = client._protocol._cipher.allocPacket(payload_bytes);
      packet.fill(fill, 5, 5 + payload_bytes);
      client._protocol._cipher.encrypt(packet);
      sent.push(Buffer.from(packet));
    },
    drain: (count: number) => {
      for (const bytes of held.splice(0, count)) arrived.push(Buffer.from(bytes));
    },
    expectAll: () => {
      for (const bytes of held.splice(0)) arrived.push(Buffer.from(bytes));
      expect(Buffer.concat(arrived).equals(Buffer.concat(sent))).toBe(true);
    },
  };
}

describe('a ring of packets', () => {
  test('lets the packets of one turn leave together', async () => {
    const { send, writes, expectAll, cipher } = connection();
    for (let place = 0; place < 32; place += 1) send(32_768, place);
    expect(writes()).toBe(0);
    await Promise.resolve();
    expect(writes()).toBe(1);
    expect(cipher.own_packets).toBe(0);
    expectAll();
  });

  test('lays packets out as SSH wants them: whole blocks, four bytes of padding at least', () => {
    const { cipher } = connection();
    for (let payload_bytes = 4096; payload_bytes < 4096 + 40; payload_bytes += 1) {
      const packet = cipher.allocPacket(payload_bytes);
      const length = packet.readUInt32BE(0);
      const padding_bytes = packet.readUInt8(4);
      expect(length % 16).toBe(0);
      expect(padding_bytes).toBeGreaterThanOrEqual(4);
      expect(length).toBe(1 + payload_bytes + padding_bytes);
      expect(packet.length).toBe(4 + length + 16);
    }
  });

  test('pads with none of what its memory held before', async () => {
    const { cipher, drain } = connection();
    const RING_BYTES = 4 * 2 ** 20;
    const places = new Set<number>();
    let again = 0;
    for (let laid_out_bytes = 0; laid_out_bytes < 2.5 * RING_BYTES;) {
      const packet = cipher.allocPacket(32_768);
      const padding = packet.subarray(5 + 32_768, 5 + 32_768 + packet.readUInt8(4));
      if (places.has(packet.byteOffset)) again += 1;
      places.add(packet.byteOffset);
      // Eleven bytes that all are the ones of before, by chance: once in 2^88.
      expect(padding.every((byte) => byte === 0xee)).toBe(false);
      packet.fill(0xee);
      laid_out_bytes += packet.length;
      // Nothing of it is under way: the whole ring is free again.
      cipher.encrypt(packet);
      await Promise.resolve();
      drain(1);
    }
    expect(again).toBeGreaterThan(100);
    expect(cipher.own_packets).toBe(0);
  });

  test('a short packet leaves at once, behind all before it', () => {
    const { send, writes, expectAll } = connection();
    send(32_768, 1);
    send(100, 2);
    expect(writes()).toBe(2);
    expectAll();
  });

  test('follows new keys', () => {
    const { client, ring, send } = connection();
    const fresh = new AESGCMCipherBinding(() => undefined);
    client._protocol._cipher = fresh;
    ring.attach();
    send(32_768, 1);
    expect(fresh.own_packets).toBe(0);
  });

  test('leaves ciphers alone that it does not know', () => {
    const cipher = { allocPacket: () => Buffer.alloc(1), _onWrite: () => undefined };
    const before = { ...cipher };
    new PacketRing({ _protocol: { _cipher: cipher } }, { writableLength: 0 } as Socket).attach();
    new PacketRing({}, { writableLength: 0 } as Socket).attach();
    expect(cipher).toEqual(before);
  });

  test('begins again when it is full to the last byte', async () => {
    const { cipher, send, drain, expectAll } = connection();
    // Three packets of 32,772 bytes and one of 32,756: 32 times that is 4 MiB.
    const payloads = [32_747, 32_747, 32_747, 32_731];
    for (let place = 0; place < 130; place += 1) {
      send(payloads[place % payloads.length] ?? 0, place);
      await Promise.resolve();
      drain(1);
    }
    expect(cipher.own_packets).toBe(0);
    expectAll();
  });

  test('what a long packet has wasted at the end of the ring is no room for short ones behind it', async () => {
    const { cipher, send, drain, expectAll } = connection();
    const sendAlone = async (payload_bytes: number, fill: number): Promise<void> => {
      send(payload_bytes, fill);
      await Promise.resolve();
    };
    // The ring holds 127 of these, and most of one more that has to begin at its start again.
    for (let place = 0; place < 123; place += 1) await sendAlone(32_768, 1);
    drain(8);
    for (let place = 0; place < 5; place += 1) await sendAlone(32_768, 2);
    expect(cipher.own_packets).toBe(0);
    while (cipher.own_packets === 0) await sendAlone(4096, 3);
    expectAll();
  });

  test('never lays out over what has not left, however slowly it leaves', async () => {
    const step = fc.oneof(
      // Up to 2 MiB at once, so that a few steps go around the ring.
      fc.record({
        packets: fc.integer({ min: 1, max: 64 }),
        payload_bytes: fc.constantFrom(32_768, 32_767, 20_000, 4096, 100),
      }),
      fc.record({ drain: fc.integer({ min: 1, max: 3 }) }),
      fc.constant({ turn: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        const { send, drain, expectAll } = connection();
        for (const [place, one] of steps.entries()) {
          if ('packets' in one) for (let i = 0; i < one.packets; i += 1) send(one.payload_bytes, place + i);
          else if ('drain' in one) drain(one.drain);
          else await Promise.resolve();
        }
        await Promise.resolve();
        expectAll();
      }),
      { numRuns: 25 },
    );
  });
});
