/** The first bytes of a qcow2, good or with one of the things that must be refused. */
export function qcow2Header(wanted: {
  readonly version?: 2 | 3 | 9;
  readonly virtual_size?: bigint;
  readonly backing_file?: boolean;
  readonly external_data?: boolean;
  readonly data_file_extension?: boolean;
}): Buffer {
  const header = Buffer.alloc(512);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(wanted.version ?? 3, 4);
  header.writeBigUInt64BE(wanted.backing_file === true ? 300n : 0n, 8);
  header.writeBigUInt64BE(wanted.virtual_size ?? 1_048_576n, 24);
  header.writeBigUInt64BE(wanted.external_data === true ? 4n : 0n, 72);
  header.writeUInt32BE(104, 100);
  // A feature name table stands before what is looked for.
  header.writeUInt32BE(0x6803f857, 104);
  header.writeUInt32BE(5, 108);
  if (wanted.data_file_extension === true) header.writeUInt32BE(0x44415441, 120);
  return header;
}
