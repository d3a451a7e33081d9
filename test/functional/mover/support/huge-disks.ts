import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { unlimitedCpu } from '../../../../services/compute-agent/mover/cpu-share.ts';
import { ExtentLayout } from '../../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../../services/compute-agent/mover/disks/leaf-table.ts';
import { leaf_pages } from '../../../../services/compute-agent/mover/disks/paged-leaves.ts';
import { FrameConnection } from '../../../../services/compute-agent/mover/frame-connection.ts';
import { textFrame } from '../../../../services/compute-agent/mover/protocol.ts';
import { digestDisks } from '../../../../services/compute-agent/mover/receiver/digest-disks.ts';
import { Journal, type JournalRecord } from '../../../../services/compute-agent/mover/receiver/journal.ts';
import { Receiver } from '../../../../services/compute-agent/mover/receiver/serve.ts';
import { hearHoldings } from '../../../../services/compute-agent/mover/sender/holdings.ts';
import {
  ReceiverLink,
  RemoteFailure,
} from '../../../../services/compute-agent/mover/sender/receiver-link.ts';
import type { SourceDisk } from '../../../../services/compute-agent/mover/sender/source-disk.ts';
import { prepareSpillFolder } from '../../../../services/compute-agent/mover/disks/spill-file.ts';

/**
 * A program: both sides of a move of disks of 1 TiB, in one process, as far as they deal with leaves. The disks are holes;
 * of each, the journal says that extents all over it hold something. Prints what was seen as JSON.
 * Arguments: an empty folder, how many disks, and `nowhere` when there is no folder for what does not fit in memory.
 */
export interface HugeDisksFigures {
  readonly peak_rss_bytes: number;
  /** When the sender has heard all. */
  readonly spilled_bytes: number;
  /** What the sender was told of, and is what the journal said. */
  readonly held: number;
  readonly roots_equal: boolean;
  readonly damaged_count: number;
  /** In pages, when all is over. */
  readonly left_bytes: number;
  /** What the receiver, and the one that reads again, have failed with. */
  readonly failures: readonly string[];
}

const [root = '', disks_count = '', nowhere = ''] = process.argv.slice(2);
const layout = new ExtentLayout(1024 ** 4);
/** Tables in one piece have all their memory by that. */
const STEP = 4096 / 32;
const migration_id = randomUUID();
const folder = join(root, 'staging');
const journal_path = join(root, 'journal');
const names = Array.from({ length: Number(disks_count) }, (_, place) => `disk${place}`);
const sizes = {
  virtual_size_bytes: layout.size_bytes,
  file_size_bytes: layout.size_bytes,
  allocated_bytes: 0,
};
const disks = names.map((name) => ({ name, format: 'raw' as const, backing: null, ...sizes }));
const subject = { migration_id, disks: names.map((name) => ({ name, size_bytes: layout.size_bytes })) };

/** Used again and again: what takes memory here is what is looked at. */
const leaf = Buffer.alloc(32);
function leafOf(disk: number, index: number): Buffer {
  leaf.fill(disk + 1).writeUInt32BE(index);
  return leaf;
}

function* records(): Generator<JournalRecord> {
  for (const disk of names.keys()) {
    for (let index = 0; index < layout.count; index += STEP) yield { disk, index, leaf: leafOf(disk, index) };
  }
}

async function holdings(): Promise<readonly LeafTable[]> {
  const [here, there] = duplexPair();
  const receiver = new Receiver({ migration_id, folder, disks, journal_path });
  const serving = receiver.serve(there);
  const link = new ReceiverLink(new FrameConnection(here), {
    destroy: () => here.destroy(),
    explain: () => null,
  });
  await link.greet({ migration_id, session: randomUUID(), stream: 0 });
  await link.connection.write(textFrame('begin', { round: 1, disks: subject.disks, continues: false }));
  const sources = names.map((name) => ({ name, layout }) as SourceDisk);
  try {
    return (await hearHoldings(link, sources, () => undefined)) ?? [];
  } finally {
    link.connection.end();
    await serving;
    await receiver.stop();
  }
}

mkdirSync(folder);
for (const name of names) {
  writeFileSync(join(folder, name), '');
  truncateSync(join(folder, name), layout.size_bytes);
}
if (nowhere === '') leaf_pages.spillInto(prepareSpillFolder(root));
const failures: string[] = [];
await (await Journal.create(journal_path, subject, records())).close();
const tables = await holdings().catch((error: unknown) => {
  failures.push(error instanceof RemoteFailure ? error.failed.code : String(error));
  return [];
});
const { spilled_bytes } = leaf_pages;
let held = 0;
let roots_equal = true;
for (const [disk, table] of tables.entries()) {
  const made = new LeafTable(layout);
  for (let index = 0; index < layout.count; index += STEP) {
    if (table.holds(index, leafOf(disk, index))) held += 1;
    made.set(index, leafOf(disk, index));
  }
  roots_equal &&= made.root() === table.root();
  made.close();
  table.close();
}
const digested = await digestDisks(
  { do: 'digest', migration_id, journal_path, folder, disks },
  { onProgress: () => undefined, signal: new AbortController().signal, cpu: unlimitedCpu },
);
if (digested.is === 'failed') failures.push(digested.code);
const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
const figures: HugeDisksFigures = {
  peak_rss_bytes: Number(peak) * 1024,
  spilled_bytes,
  held,
  roots_equal,
  damaged_count: digested.is === 'digested' ? (digested.reread.damaged_count ?? 0) : 0,
  left_bytes: leaf_pages.resident_bytes + leaf_pages.spilled_bytes,
  failures,
};
process.stdout.write(JSON.stringify(figures));
