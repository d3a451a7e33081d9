import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ExtentSet } from './extent-set.ts';
import type { ExtentLayout } from './extents.ts';

/** Smaller files are read faster than a process starts that could tell where their holes are. */
const WORTH_MAPPING_BYTES = 64 * 1024 * 1024;
/** A map of a file in more pieces than fit is not worth its memory: then everything is read. */
const MAP_OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
/** A map that takes longer is done without. */
const MAP_SECONDS_MAX = 30;
/** So often is heard of one that is being asked for. */
const SIGN_SECONDS = 1;

/** How a file is asked where it has data. */
export interface MapOptions {
  /** No longer; never longer than 30 s. */
  readonly seconds_max?: number;
  /** Hears, once a second, of asking that will end in time whatever happens. */
  readonly onWork?: () => void;
}

/** Size of a file or of a block device, whose own size field says 0. */
export async function sizeOf(handle: FileHandle): Promise<number> {
  const status = await handle.stat();
  return status.isBlockDevice() ? deviceSizeOf(status.rdev) : status.size;
}

/** Size of the block device with this number, as `rdev` of its node gives it. */
export async function deviceSizeOf(rdev: number): Promise<number> {
  const path = `/sys/dev/block/${majorOf(rdev)}:${minorOf(rdev)}/size`;
  return Number(await readFile(path, 'latin1')) * 512;
}

// Linux's encoding of device numbers, glibc's gnu_dev_major and gnu_dev_minor.
const majorOf = (device: number): number =>
  Number(((BigInt(device) >> 8n) & 0xfffn) | ((BigInt(device) >> 32n) & 0xfffff000n));
const minorOf = (device: number): number =>
  Number((BigInt(device) & 0xffn) | ((BigInt(device) >> 12n) & 0xffffff00n));

/**
 * The extents of a file that are not wholly in holes. Everything, where asking costs more than reading or the
 * file cannot say: never too few.
 */
export async function extentsWithData(
  path: string,
  handle: FileHandle,
  layout: ExtentLayout,
  options: MapOptions = {},
): Promise<ExtentSet> {
  const all = new ExtentSet(layout.count, true);
  const status = await handle.stat();
  const sparse = status.isFile() && status.blocks * 512 < status.size;
  if (!sparse) return all;
  // Not even a file without blocks is taken for one hole: some file systems (ZFS) count blocks long after a write.
  if (status.size < WORTH_MAPPING_BYTES) return all;
  const pieces = await mapOf(path, options);
  if (pieces === null) return all;
  const some = new ExtentSet(layout.count, false);
  for (const { start, length } of pieces) {
    const last = Math.min(Math.floor((start + length - 1) / layout.extent_bytes), layout.count - 1);
    for (let index = Math.floor(start / layout.extent_bytes); index <= last; index += 1) some.add(index);
  }
  return some;
}

interface Piece {
  readonly start: number;
  readonly length: number;
}

/** The file's runs of data. `raw` whatever is in the file: it is the file's own holes that count. */
function mapOf(path: string, { seconds_max = Infinity, onWork }: MapOptions): Promise<Piece[] | null> {
  const arguments_ = ['map', '--output=json', '--force-share', '-f', 'raw', '--', path];
  const options = { maxBuffer: MAP_OUTPUT_BYTES_MAX, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
  return new Promise((resolve) => {
    const end = (pieces: Piece[] | null): void => {
      clearTimeout(timer);
      clearInterval(signs);
      resolve(pieces);
    };
    const child = execFile('qemu-img', arguments_, options, (error, stdout) => {
      end(error === null ? piecesIn(stdout) : null);
    });
    const signs = setInterval(() => onWork?.(), SIGN_SECONDS * 1000);
    // Not execFile's own timeout: that one waits for the process to end, and one on a lost mount may not even when killed.
    const timer = setTimeout(
      () => {
        child.kill('SIGKILL');
        end(null);
      },
      Math.min(seconds_max, MAP_SECONDS_MAX) * 1000,
    );
  });
}

function piecesIn(output: string): Piece[] | null {
  const entries: unknown = JSON.parse(output);
  if (!Array.isArray(entries)) return null;
  const pieces: Piece[] = [];
  for (const entry of entries as readonly Partial<Record<'start' | 'length' | 'data', unknown>>[]) {
    if (entry.data !== true) continue;
    if (!Number.isSafeInteger(entry.start) || !Number.isSafeInteger(entry.length)) return null;
    pieces.push({ start: Number(entry.start), length: Number(entry.length) });
  }
  return pieces;
}
