import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';

/**
 * ssh2 takes new memory and new random padding for each packet of 32 KiB and hands each to the socket alone: together
 * a third of what a connection costs. Here packets are laid out one after the other in memory that is used again, and
 * those of one turn leave in one write.
 *
 * This knows the inside of ssh2's cipher (its version is pinned); whatever does not look as expected is left as it is.
 */
interface Cipher {
  allocPacket: (payload_bytes: number) => Buffer;
  readonly encrypt: (packet: Buffer) => void;
  _onWrite: (packet: Buffer) => void;
}

/** Twice what sshd's window lets be under way: each connection has one. */
const RING_BYTES = 4 * 1024 * 1024;
const BLOCK_BYTES = 16;
const PADDING_BYTES_MIN = 4;
const TAG_BYTES = 16;
const PADDING_BYTES = 4096;
/** Shorter packets leave at once, behind all before them: among them those that change the keys. */
const BULK_BYTES_MIN = 4 * 1024;

/** What of ssh2 writes packets; null when it is none that we know. */
function knownCipher(client: object): Cipher | null {
  const protocol: unknown = Reflect.get(client, '_protocol');
  if (typeof protocol !== 'object' || protocol === null) return null;
  const cipher: unknown = Reflect.get(protocol, '_cipher');
  if (typeof cipher !== 'object' || cipher === null) return null;
  if (cipher.constructor.name !== 'AESGCMCipherBinding') return null;
  const known = cipher as Partial<Cipher>;
  return typeof known.allocPacket === 'function' && typeof known._onWrite === 'function'
    ? (known as Cipher)
    : null;
}

export class PacketRing {
  readonly #client: object;
  readonly #socket: Socket;
  readonly #memory = Buffer.allocUnsafeSlow(RING_BYTES);
  /**
   * Asked for once: a packet takes the next bytes of it, from its start again when too few are left. That they come
   * again is sound: only AES-GCM gets here (`knownCipher`), whose nonce is another for each packet, so that what it
   * hides does not rest on its padding.
   */
  readonly #padding = randomBytes(PADDING_BYTES);
  #padding_at = 0;
  /** Where the next packet begins. */
  #at = 0;
  /** Of all packets so far: no more than that is ever wasted at the end of the ring. */
  #longest_bytes = 0;
  /** What was laid out and not written yet. */
  #from = 0;
  #to = 0;
  #cipher: Cipher | null = null;

  constructor(client: object, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
  }

  /** Before each write: new keys bring a new cipher. */
  attach(): void {
    const cipher = knownCipher(this.#client);
    if (cipher === null || cipher === this.#cipher) return;
    this.#cipher = cipher;
    const takeNew = cipher.allocPacket.bind(cipher);
    const write = cipher._onWrite.bind(cipher);
    cipher.allocPacket = (payload_bytes) => this.#layOut(payload_bytes) ?? takeNew(payload_bytes);
    cipher._onWrite = (packet) => this.#write(packet, write);
  }

  /** @returns null when what is under way leaves no room */
  #layOut(payload_bytes: number): Buffer | null {
    if (payload_bytes < BULK_BYTES_MIN) return null;
    let padding_bytes = BLOCK_BYTES - ((1 + payload_bytes) % BLOCK_BYTES);
    if (padding_bytes < PADDING_BYTES_MIN) padding_bytes += BLOCK_BYTES;
    const length = 1 + payload_bytes + padding_bytes;
    const packet_bytes = 4 + length + TAG_BYTES;
    const under_way_bytes = this.#socket.writableLength + (this.#to - this.#from);
    this.#longest_bytes = Math.max(this.#longest_bytes, packet_bytes);
    // Twice the largest waste: there may be one behind us as well, left by a packet that was longer than this one.
    if (under_way_bytes + packet_bytes + 2 * this.#longest_bytes > RING_BYTES) return null;
    // Also when it is full to the last byte.
    if (this.#at + packet_bytes > RING_BYTES) this.#at = 0;
    const packet = this.#memory.subarray(this.#at, this.#at + packet_bytes);
    this.#at += packet_bytes;
    packet.writeUInt32BE(length, 0);
    packet.writeUInt8(padding_bytes, 4);
    this.#pad(packet.subarray(5 + payload_bytes, 5 + payload_bytes + padding_bytes));
    return packet;
  }

  /** Padding is not what this memory held before, and nothing that is known to anybody else (RFC 4253, 6). */
  #pad(padding: Buffer): void {
    if (this.#padding_at + padding.length > PADDING_BYTES) this.#padding_at = 0;
    this.#padding.copy(padding, 0, this.#padding_at);
    this.#padding_at += padding.length;
  }

  #write(packet: Buffer, write: (bytes: Buffer) => void): void {
    const start = packet.buffer === this.#memory.buffer ? packet.byteOffset - this.#memory.byteOffset : -1;
    if (start >= 0 && this.#to > this.#from && start === this.#to) {
      this.#to = start + packet.length;
      return;
    }
    this.#flush(write);
    if (start < 0) return write(packet);
    this.#from = start;
    this.#to = start + packet.length;
    queueMicrotask(() => this.#flush(write));
  }

  #flush(write: (bytes: Buffer) => void): void {
    if (this.#to === this.#from) return;
    const bytes = this.#memory.subarray(this.#from, this.#to);
    this.#from = this.#to;
    write(bytes);
  }
}
