import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  ConnectionCount,
  PutExtent,
} from '../../../services/compute-agent/mover/sender/connections-in-use.ts';
import type { ReceiverLink } from '../../../services/compute-agent/mover/sender/receiver-link.ts';
import { openSshLink } from '../../../services/compute-agent/mover/sender/ssh-link.ts';
import { TransferRun } from '../../../services/compute-agent/mover/sender/transfer-run.ts';
import { startCuttingProxy } from './support/cutting-proxy.ts';
import { admit, processes, sameContent, startPair, verified, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;
const DISK_BYTES = 96 * MEBIBYTE;
/** Extents that leave before the number of connections changes. */
const EXTENTS_PER_STEP = 8;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(DISK_BYTES));
});
afterAll(() => pair.close());

const nothing = (): void => undefined;

/**
 * One connection, two, one, two, one. What comes next waits for nothing but what came before: the leading connection
 * stands still until the other one is there, or is gone.
 */
class Script implements ConnectionCount {
  readonly most = 2;
  readonly open = 1;
  readonly beginSession = nothing;
  readonly noteRefused = nothing;
  readonly restart = nothing;
  readonly forget = nothing;
  readonly links: ReceiverLink[] = [];
  wanted = 1;
  #changes = 0;
  #puts = 0;
  #came = Promise.withResolvers<void>();
  #went = Promise.withResolvers<void>();
  #until: Promise<void> = Promise.resolve();

  async during(write: Promise<void>): Promise<void> {
    await write;
  }

  notePut({ open }: PutExtent): void {
    if (open !== this.wanted) return;
    this.#puts += 1;
    if (this.#puts < EXTENTS_PER_STEP || this.#changes === 4) return;
    this.#puts = 0;
    this.#changes += 1;
    this.wanted = 3 - this.wanted;
    this.#until = (this.wanted === 2 ? this.#came : this.#went).promise;
  }

  /** A connection has been made; the first one leads. */
  noteLink(link: ReceiverLink): ReceiverLink {
    this.links.push(link);
    if (this.links.length === 1) {
      const write = link.connection.write.bind(link.connection);
      link.connection.write = async (bytes) => {
        await this.#until;
        await write(bytes);
      };
      return link;
    }
    const destroy = link.destroy.bind(link);
    link.destroy = () => {
      destroy();
      this.#went.resolve();
    };
    this.#went = Promise.withResolvers();
    this.#came.resolve();
    this.#came = Promise.withResolvers();
    return link;
  }
}

/** Copies the disk; `onEnd` is called when a further connection is ending, with its place among all. */
async function copy(onEnd: (place: number) => void) {
  const script = new Script();
  const proxy = await startCuttingProxy(pair.sshd.port);
  try {
    const admitted = await admit(pair, ['disk']);
    const transfer = { ...admitted.transfer, endpoint: { ...admitted.endpoint, port: proxy.port } };
    const run = new TransferRun(transfer, {
      connections: script,
      open: async (options) => {
        const link = script.noteLink(await openSshLink(options));
        const place = script.links.length - 1;
        const end = link.connection.end.bind(link.connection);
        link.connection.end = () => {
          onEnd(place);
          end();
        };
        return link;
      },
    });
    const result = await run.send();
    expect(sameContent(pair, admitted.folder, 'disk')).toBe(true);
    expect(await verified(pair, admitted)).toMatchObject({ digests: result.digests, damaged: [] });
    await pair.admission.withdraw(admitted.id);
    return { ...result, connections: proxy.made() };
  } finally {
    await proxy.close();
  }
}

/** What sshd has started last for a connection. */
function newestSshd(): number {
  const parentOf = (pid: number): number =>
    Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
  const sessions = processes().filter(
    ({ line }) => line.startsWith('sshd: ') || line.includes('sshd-session'),
  );
  const ours = sessions.filter(({ pid }) => parentOf(pid) === pair.sshd.pid);
  return Math.max(...ours.map(({ pid }) => pid));
}

describe('a copy that changes the number of its connections', () => {
  test('loses nothing and sends nothing twice', async () => {
    const ended: number[] = [];
    const { connections, resent_bytes } = await copy((place) => ended.push(place));
    expect(connections).toBe(3);
    expect(ended).toEqual([1, 2]);
    expect(resent_bytes).toBe(0);
  });

  test('loses nothing when the sshd of one is killed that is just ending', async () => {
    const { connections, resent_bytes } = await copy((place) => {
      if (place === 1) process.kill(newestSshd(), 'SIGKILL');
    });
    expect(connections).toBe(3);
    expect(resent_bytes).toBeLessThan(DISK_BYTES / 2);
  });
});
