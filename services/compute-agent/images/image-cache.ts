import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import type { DiskFormat, ImageSource } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { makeFolder, renameDurably, syncFile } from '../folders/durable.ts';
import { readChain, requirePromise, type ChainFile, type ChainReader } from './backing-chain.ts';
import { digestOrNone, takeArrived, type ArrivedFile } from './arrived-file.ts';
import {
  digestOf,
  readRawFormNote,
  removeAtOnce,
  sizeOf,
  writeRawFormNote,
  type DamagedFile,
  type FileSeen,
} from './cache-files.ts';
import { CACHE_FOLDER, SHA512 } from './cache-folder.ts';
import type { ContentLeaves } from './content-leaves.ts';
import { downloadImage } from './download.ts';
import { FileDigests } from './file-digests.ts';
import { GivenFiles } from './given-files.ts';
import { convertToRaw } from './qemu-img.ts';
import { sayingAtWork, SharedWork, type Asker } from './shared-work.ts';

/** What was read of the files that disks stand on. */
const DIGESTS_FILE = '.digests.json';
/** Longer than it takes to make a disk on an image, or to bring one that stands on it. */
const ASKED_SECONDS_MIN = 600;
/** Less than the scheduler's patience with a silent host, so that the operator reads what was silent. */
const SILENCE_MILLISECONDS_MAX = 30_000;

export interface CachedImage {
  readonly path: string;
  /** Of the file's own bytes, which is also its name. */
  readonly sha512: string;
  readonly format: DiskFormat;
  readonly size_bytes: number;
}

/**
 * Images on this host, each under the digest of its own bytes: a file that has its name was checked, and a backing
 * image that another host names by digest is found by looking. Files appear whole; requests for one image share
 * one download, which ends when none of them wants it any more. `<sha512>.raw.json` names the raw form of an image that was converted.
 */
export class ImageCache {
  readonly #folder: string;
  readonly #host: HostName;
  readonly #silence_milliseconds_max: number;
  readonly #shared = new SharedWork<CachedImage>();
  readonly #digests: FileDigests;
  /** When a file was last asked for: whoever asked may be about to build on it. Monotonic. */
  readonly #asked_at = new Map<string, number>();
  readonly #given = new GivenFiles(ASKED_SECONDS_MIN);

  constructor(options: {
    readonly instances_path: string;
    readonly host: HostName;
    /** How long the image service may send nothing. Default 30 s. */
    readonly silence_milliseconds_max?: number;
  }) {
    this.#folder = join(options.instances_path, CACHE_FOLDER);
    this.#host = options.host;
    this.#digests = new FileDigests(join(this.#folder, DIGESTS_FILE));
    this.#silence_milliseconds_max = options.silence_milliseconds_max ?? SILENCE_MILLISECONDS_MAX;
  }

  /** Makes the folder and removes downloads that a crash cut off. */
  async load(): Promise<void> {
    await makeFolder(this.#folder);
    for (const name of await readdir(this.#folder))
      if (name.endsWith('.part')) await rm(join(this.#folder, name), { force: true });
  }

  /**
   * The image's file, fetched and checked if it is not here.
   * @param form `raw`: converted if it is something else
   * @throws DroverError image_unreachable, image_refused, image_digest_mismatch, disk_tool_failed,
   * backing_image_changed when it is here and was touched
   */
  async ensure(source: ImageSource, form: 'as it is' | 'raw', asker: Asker): Promise<CachedImage> {
    if (!SHA512.test(source.sha512))
      throw new DroverError('command_invalid', {
        host: this.#host,
        reason: `image ${source.id} has no sha512`,
      });
    this.#asked(source.sha512);
    const image = await this.#ensured(source, form, asker);
    this.#given.note(image.sha512, asker);
    return image;
  }

  #ensured(source: ImageSource, form: 'as it is' | 'raw', asker: Asker): Promise<CachedImage> {
    const original = (wanted: Asker) =>
      this.#shared.join(source.sha512, wanted, (all) => this.#fetch(source, all));
    if (form === 'as it is' || source.disk_format === 'raw') return original(asker);
    return this.#shared.join(`${source.sha512}.raw`, asker, async (all) => {
      // The original may have left the cache: nothing stands on it.
      const present = await this.rawForm(source.sha512, all);
      return present ?? this.#convert(await original(all), all);
    });
  }

  /** True when a file with exactly these bytes is here. */
  async has(sha512: string): Promise<boolean> {
    this.#asked(sha512);
    return SHA512.test(sha512) && (await sizeOf(this.path(sha512))) !== null;
  }

  /**
   * Sees that a file is still what its name says; cheap unless it was touched.
   * @throws DroverError backing_image_changed, also when it is not there
   */
  async check(sha512: string, asker: Asker): Promise<void> {
    this.#asked(sha512);
    const path = this.path(sha512);
    await requirePromise(path, await digestOrNone(this.#digests.digest(path, null, asker)), this.reader);
    this.#given.note(sha512, asker);
  }

  /** The files below a qcow2 disk of this host, nearest first. @throws as readChain */
  chain(overlay: string, asker: Asker): Promise<readonly ChainFile[]> {
    return readChain(overlay, this.#digests, this.#host, asker);
  }

  /** For whoever reads files that disks stand on: what was read once is remembered for all. */
  get reader(): ChainReader {
    return { host: this.#host, digests: this.#digests };
  }

  /** Takes a file that has arrived. @throws as takeArrived */
  take(arrived: ArrivedFile, asker: Asker): Promise<void> {
    return takeArrived(arrived, this.path(arrived.file.sha512), this.reader, asker);
  }

  #asked(sha512: string): void {
    this.#asked_at.set(sha512, performance.now());
  }

  /**
   * Removes a file, unless somebody has asked for it lately: a disk that is being made on it is not on the disk yet.
   * Looking and renaming are one moment, so nobody can ask in between.
   * @returns its bytes on the disk; null when it stays
   */
  async evict(sha512: string, minimum_age_seconds: number): Promise<number | null> {
    const asked_at = this.#asked_at.get(sha512);
    const lately_milliseconds = Math.max(minimum_age_seconds, ASKED_SECONDS_MIN) * 1000;
    if (asked_at !== undefined && performance.now() - asked_at < lately_milliseconds) return null;
    return this.#remove(sha512);
  }

  /**
   * Removes a file that was found to be damaged: that one and none that has come in its place, and not while a disk of
   * another instance may be being made on it. Whoever has it open keeps it; who calls has seen that nothing stands on it.
   * @returns whether it is gone
   */
  async discard(sha512: string, { seen }: DamagedFile, instance_id: InstanceId): Promise<boolean> {
    if (this.#given.toOthers(sha512, instance_id)) return false;
    return (await this.#remove(sha512, seen)) !== null;
  }

  /** @returns its bytes on the disk; null when it is another one than was seen, and stays */
  async #remove(sha512: string, seen?: FileSeen): Promise<number | null> {
    const path = this.path(sha512);
    const bytes = await removeAtOnce(path, this.#folder, seen);
    if (bytes === null) return null;
    this.#asked_at.delete(sha512);
    this.#given.forget(sha512);
    await this.#digests.forget(path);
    return bytes;
  }

  path(sha512: string): string {
    return join(this.#folder, sha512);
  }

  async #fetch(source: ImageSource, asker: Asker): Promise<CachedImage> {
    const path = this.path(source.sha512);
    const size = await sizeOf(path);
    const image = { path, sha512: source.sha512, format: source.disk_format };
    if (size !== null) {
      await this.check(source.sha512, asker);
      return { ...image, size_bytes: size };
    }
    await this.#appear(path, (part) =>
      downloadImage(source, part, asker, {
        host: this.#host,
        silence_milliseconds_max: this.#silence_milliseconds_max,
      }),
    );
    return { ...image, size_bytes: (await sizeOf(path)) ?? 0 };
  }

  /** The raw form of an image of another format. @returns null when it is not here. @throws backing_image_changed */
  async rawForm(original_sha512: string, asker: Asker): Promise<CachedImage | null> {
    const sha512 = await readRawFormNote(this.path(original_sha512));
    if (sha512 === null) return null;
    this.#asked(sha512);
    const path = this.path(sha512);
    const size_bytes = await sizeOf(path);
    if (size_bytes === null) return null;
    await this.check(sha512, asker);
    return { path, sha512, format: 'raw', size_bytes };
  }

  async #convert(original: CachedImage, asker: Asker): Promise<CachedImage> {
    let sha512 = '';
    await this.#appear(
      () => this.path(sha512),
      async (part) => {
        await convertToRaw({
          source: original.path,
          source_format: original.format,
          target: part,
          host: this.#host,
          asker,
        });
        await sayingAtWork(asker, syncFile(part));
        const read = await digestOf(part, asker);
        sha512 = read.sha512;
        return read.leaves;
      },
    );
    await writeRawFormNote(original.path, sha512);
    return {
      path: this.path(sha512),
      sha512,
      format: 'raw',
      size_bytes: (await sizeOf(this.path(sha512))) ?? 0,
    };
  }

  /** Lets `make` fill a passing file and gives it its name when it is whole. */
  async #appear(
    path: string | (() => string),
    make: (part: string) => Promise<ContentLeaves>,
  ): Promise<void> {
    const part = join(this.#folder, `${randomBytes(12).toString('hex')}.part`);
    try {
      const leaves = await make(part);
      const name = typeof path === 'string' ? path : path();
      await renameDurably(part, name);
      // Again: fetching it may have taken long.
      this.#asked(basename(name));
      await this.#digests.remember(name, basename(name), leaves);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }
}
