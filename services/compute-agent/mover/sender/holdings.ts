import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import { frameTypes, ProtocolError, readHoldings, textFrame } from '../protocol.ts';
import { readReady } from '../protocol-texts.ts';
import type { ReceiverLink } from './receiver-link.ts';
import type { SourceDisk } from './source-disk.ts';

/**
 * Hears what the receiver holds, after a `begin`.
 * @returns null when it goes on with what the sender knows that it holds
 * @throws RemoteFailure, ConnectionClosed, ProtocolError
 */
export async function hearHoldings(
  link: ReceiverLink,
  disks: readonly SourceDisk[],
  onActivity: () => void,
): Promise<readonly LeafTable[] | null> {
  const tables = disks.map(({ layout }) => new LeafTable(layout));
  let are_wanted = false;
  try {
    are_wanted = await hearInto(tables, link, onActivity);
    return are_wanted ? tables : null;
  } finally {
    if (!are_wanted) for (const table of tables) table.close();
  }
}

/** @returns false when the receiver goes on with what the sender knows that it holds */
async function hearInto(
  tables: readonly LeafTable[],
  link: ReceiverLink,
  onActivity: () => void,
): Promise<boolean> {
  for (;;) {
    const { type, body } = await link.next();
    onActivity();
    if (type === frameTypes.ready) return !readReady(body).continued;
    if (type !== frameTypes.holdings) throw new ProtocolError(`type ${type} instead of holdings`);
    const { disk, holdings } = readHoldings(body);
    const table = tables[disk];
    for (const { index, leaf } of holdings) {
      if (table === undefined || index >= table.layout.count)
        throw new ProtocolError('holdings of nothing of ours');
      table.set(index, leaf);
    }
  }
}

/**
 * Of a copy whose digests differed twice: asks the receiver, over a new link, what it holds.
 * @returns the error with the first extent that differs; as it was, when it is another one or nothing was found
 */
export async function nameDamage(
  error: DroverError,
  link: { ensure(): Promise<ReceiverLink>; drop(): void },
  disks: readonly SourceDisk[],
  options: { readonly round: number; readonly onActivity: () => void },
): Promise<DroverError> {
  if (error.code !== 'mover_digest_mismatch') return error;
  try {
    const damage = await findDamage(await link.ensure(), disks, options);
    return damage === null ? error : new DroverError(error.code, { ...damage }, { cause: error });
  } catch {
    // What has failed before says more.
    return error;
  } finally {
    link.drop();
  }
}

/** The first extent of which the receiver holds something else than was read here. */
async function findDamage(
  link: ReceiverLink,
  disks: readonly SourceDisk[],
  options: { readonly round: number; readonly onActivity: () => void },
): Promise<{ readonly disk: string; readonly reason: string } | null> {
  const sizes = disks.map(({ name, layout }) => ({ name, size_bytes: layout.size_bytes }));
  const begin = { round: options.round, disks: sizes, continues: false };
  await link.connection.write(textFrame('begin', begin));
  const held = await hearHoldings(link, disks, options.onActivity);
  try {
    for (const [place, { name, layout, leaves }] of disks.entries()) {
      const table = held?.[place];
      const index = table === undefined ? null : leaves.firstDifference(table);
      if (index === null) continue;
      const bytes = `the ${layout.length(index)} bytes at offset ${layout.offset(index)}`;
      return { disk: name, reason: `${bytes} have another digest than was announced, a second time` };
    }
    return null;
  } finally {
    for (const table of held ?? []) table.close();
  }
}
