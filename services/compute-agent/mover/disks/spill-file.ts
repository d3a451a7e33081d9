import { randomBytes } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What does not fit in memory could not be written, or not be read back. Nothing that was remembered is lost by it. */
export class SpillFailure extends Error {
  override readonly name = 'SpillFailure';
  constructor(folder: string | null, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(folder === null ? reason : `${folder}: ${reason}`, { cause });
  }
}

/**
 * A file that nobody sees, of places of one length: made when something is put into it, without a name from then on, so
 * that it ends with its process however that ends, and given up when nothing is in it any more.
 */
export class SpillFile {
  readonly #place_bytes: number;
  #folder: string | null = null;
  #file: number | null = null;
  readonly #free: number[] = [];
  #places = 0;

  constructor(place_bytes: number) {
    this.#place_bytes = place_bytes;
  }

  /** Where the next one is made: a folder that `prepareSpillFolder` has made. */
  set folder(folder: string | null) {
    this.#folder = folder;
  }

  /** Places in use. */
  get used(): number {
    return this.#places - this.#free.length;
  }

  /** @param place what it was put into before; null: a free one. @returns where it is. @throws SpillFailure */
  put(bytes: Buffer, place: number | null): number {
    const number = place ?? this.#free.pop() ?? this.#places++;
    try {
      const file = (this.#file ??= this.#open());
      // A file system that fills up may take a part, and say why only when it is asked to take the rest.
      for (let written = 0; written < bytes.length;) {
        const at = number * this.#place_bytes + written;
        written += writeSync(file, bytes, written, bytes.length - written, at);
      }
      return number;
    } catch (error) {
      if (place === null) this.drop(number);
      throw error instanceof SpillFailure ? error : new SpillFailure(this.#folder, error);
    }
  }

  /** @throws SpillFailure */
  get(place: number, memory: Buffer): void {
    try {
      for (let read = 0; read < memory.length;) {
        const at = place * this.#place_bytes + read;
        const bytes = readSync(this.#file ?? -1, memory, read, memory.length - read, at);
        if (bytes === 0) throw new Error(`it ends at ${at}`);
        read += bytes;
      }
    } catch (error) {
      throw new SpillFailure(this.#folder, error);
    }
  }

  drop(place: number): void {
    this.#free.push(place);
    if (this.used > 0) return;
    this.#free.length = 0;
    this.#places = 0;
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #open(): number {
    if (this.#folder === null) throw new Error('no folder was named for it');
    const path = join(this.#folder, randomBytes(8).toString('hex'));
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      rmSync(path, { force: true });
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }
}

/**
 * The folder, below an agent's state, of its movers' spill files. Whatever has a name in it is of a process that was
 * killed between making one and taking its name away.
 * @returns its path
 */
export function prepareSpillFolder(state_path: string): string {
  const folder = join(state_path, 'mover', 'pages');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true });
  return folder;
}

const SPILL_ARGUMENT = '--spill=';

/** What a mover process is told the folder with. */
export const spillArgument = (folder: string): string => SPILL_ARGUMENT + folder;

/** @returns null when it was told of none */
export function spillFolderIn(process_arguments: readonly string[]): string | null {
  const argument = process_arguments.find((each) => each.startsWith(SPILL_ARGUMENT));
  return argument?.slice(SPILL_ARGUMENT.length) ?? null;
}
