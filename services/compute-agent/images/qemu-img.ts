import { execFile } from 'node:child_process';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';

const STDERR_CHARACTERS_MAX = 500;

/**
 * Makes an overlay on a backing file.
 * @param options.backing_file name as it will stand in the overlay, relative to the overlay's own folder
 */
export async function createOverlay(options: {
  readonly path: string;
  readonly backing_file: string;
  readonly backing_format: DiskFormat;
  readonly size_bytes: number;
  readonly host: HostName;
}): Promise<void> {
  await qemuImg(options.host, [
    'create',
    '-q',
    '-f',
    'qcow2',
    '-F',
    options.backing_format,
    '-b',
    options.backing_file,
    options.path,
    String(options.size_bytes),
  ]);
}

/** Writes an image as a sparse raw file. Ends qemu-img when the asker's signal is aborted. */
export async function convertToRaw(options: {
  readonly source: string;
  readonly source_format: DiskFormat;
  readonly target: string;
  readonly host: HostName;
  readonly asker: Asker;
}): Promise<void> {
  const formats = ['-f', options.source_format, '-O', 'raw'];
  const { host, source, target, asker } = options;
  await sayingAtWork(asker, qemuImg(host, ['convert', '-q', ...formats, source, target], asker));
}

/** Makes a disk larger. Never called with a smaller size. */
export async function growQcow2(path: string, size_bytes: number, host: HostName): Promise<void> {
  await qemuImg(host, ['resize', '-q', '-f', 'qcow2', path, String(size_bytes)]);
}

/** What qemu-img calls the formats that disks are converted to. */
export type TargetFormat = 'raw' | 'qcow2' | 'vmdk' | 'vhdx' | 'vpc';

/**
 * Writes the guest's view of a disk, with all that it stands on, as one file that stands alone. Zeros become holes.
 * @param options.onPart called with the part that is done, from 0 to 1
 */
export async function convertDisk(options: {
  readonly source: string;
  readonly source_format: DiskFormat;
  readonly target: string;
  readonly target_format: TargetFormat;
  /** The target is there, at least as large as the source: zeros are written to it as such. */
  readonly is_device?: true;
  readonly host: HostName;
  readonly asker: Asker;
  readonly onPart?: (part: number) => void;
}): Promise<void> {
  const { source, source_format, target, target_format, is_device, host, asker, onPart } = options;
  const arguments_ = [
    'convert',
    '-p',
    ...(is_device === true ? ['-n'] : []),
    '-f',
    source_format,
    '-O',
    target_format,
    ...FORMAT_OPTIONS[target_format],
  ];
  const onOutput = (text: string): void => {
    const newest = [...text.matchAll(/\((\d+(?:\.\d+)?)\/100%\)/g)].at(-1)?.[1];
    if (newest !== undefined) onPart?.(Number(newest) / 100);
  };
  await sayingAtWork(
    asker,
    qemuImg(host, [...arguments_, '--', source, target], { signal: asker.signal, onOutput }),
  );
}

/** One file that other products read at once: vmdk in the form that is meant for carrying. */
const FORMAT_OPTIONS: Readonly<Record<TargetFormat, readonly string[]>> = {
  raw: [],
  qcow2: [],
  vmdk: ['-o', 'subformat=streamOptimized'],
  vhdx: ['-o', 'subformat=dynamic'],
  // Else its size is rounded to what old geometries can express, and the guest's last blocks are moved.
  vpc: ['-o', 'subformat=dynamic,force_size=on'],
};

/**
 * Compares what a guest would see of two disks, read again from the file system's disk where that is possible.
 * @returns null when it is the same, else where it differs, in qemu-img's words
 */
export async function compareDisks(options: {
  readonly one: { readonly path: string; readonly format: TargetFormat };
  readonly other: { readonly path: string; readonly format: TargetFormat };
  readonly host: HostName;
  readonly asker: Asker;
}): Promise<string | null> {
  const { one, other, host, asker } = options;
  const compare = (cache: string) =>
    qemuImg(
      host,
      ['compare', '-T', cache, '-f', one.format, '-F', other.format, '--', one.path, other.path],
      { signal: asker.signal, answers: [1] },
    );
  const { exit_code, output } = await sayingAtWork(
    asker,
    compare('none').catch((error: unknown) => {
      // A file system without O_DIRECT (tmpfs): then what the page cache holds must do.
      if (asker.signal.aborted || !/O_DIRECT|Invalid argument/.test(String(error))) throw error;
      return compare('writeback');
    }),
  );
  return exit_code === 0 ? null : output.trim().slice(0, STDERR_CHARACTERS_MAX);
}

interface Run {
  readonly signal?: AbortSignal;
  /** Exit codes beside 0 that are an answer, too. */
  readonly answers?: readonly number[];
  readonly onOutput?: (text: string) => void;
}

/** @throws DroverError disk_tool_failed; the signal's reason */
export function qemuImg(
  host: HostName,
  arguments_: readonly string[],
  { signal, answers = [], onOutput }: Run = {},
): Promise<{ readonly exit_code: number; readonly output: string }> {
  const missing = (tool: string, package_name: string) =>
    new DroverError('disk_tool_missing', { tool, host, package: package_name });
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
    // Not execFile's own signal: that one answers before the process has ended, and it might still make a file.
    const end = () => child.kill('SIGKILL');
    // It ends with us, however we end: the next agent must not meet one that still writes into a guest's volume. An agent
    // that is killed between the fork and setpriv's prctl leaves it alive: a millisecond, and that volume is then in use.
    const command = ['--pdeathsig', 'KILL', '--', 'qemu-img', ...arguments_];
    const child = execFile('setpriv', command, { env }, (error, output, stderr) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted === true) return reject(signal.reason as Error);
      if (error === null) return resolve({ exit_code: 0, output });
      if (typeof error.code === 'number' && answers.includes(error.code))
        return resolve({ exit_code: error.code, output });
      const found = stderr.trim() === '' ? error.message : stderr.trim();
      if (error.code === 'ENOENT') return reject(missing('setpriv', 'util-linux'));
      if (found.startsWith('setpriv: failed to execute qemu-img: No such file'))
        return reject(missing('qemu-img', 'qemu-utils'));
      const reason = `${arguments_[0]}: ${found.slice(0, STDERR_CHARACTERS_MAX)}`;
      reject(new DroverError('disk_tool_failed', { tool: 'qemu-img', host, reason }, { cause: error }));
    });
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
    if (onOutput !== undefined) child.stdout?.on('data', onOutput);
  });
}
