import { execFile, type ExecFileException } from 'node:child_process';
import type { HostName } from '../../../shared/domain/ids.ts';
import { DroverError, isDroverError } from '../../../shared/errors/drover-error.ts';
import { parseGroup, parseVolumes } from './lvm-report.ts';
import type {
  FoundVolume,
  GroupFigures,
  LogicalVolumes,
  PlannedVolume,
  VolumeName,
} from './logical-volumes.ts';

const STDERR_CHARACTERS_MAX = 500;
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;
/** Where Debian has them, and a service's PATH may not lead. */
const SYSTEM_FOLDERS = '/usr/sbin:/sbin';

/** "Logical volume … in use.", "… contains a filesystem in use.", "… is used by another device." */
const IN_USE = /\bin use\b|\bis used by another device\b/;

const REPORT = ['--reportformat', 'json', '--units', 'b', '--nosuffix', '--options'];

type Program = 'vgs' | 'lvs' | 'lvcreate' | 'lvremove';

/** How long programs may take. What changes a group writes to each of its devices, and waits for udev. */
export interface LvmPatience {
  readonly look_seconds: number;
  readonly change_seconds: number;
}
const PATIENCE: LvmPatience = { look_seconds: 20, change_seconds: 120 };

/**
 * LVM2's programs. They take their own locks: any number of them may run at the same time. One that does not answer is
 * killed and not waited for: while a device of the group is away not even a kill ends it. Until it has ended no other one
 * is started for its group: it would only wait behind it.
 */
export class Lvm implements LogicalVolumes {
  readonly #host: HostName;
  readonly #search_path: string;
  readonly #patience: LvmPatience;
  /** Errors of programs that were killed and have not ended, by group. */
  readonly #silent = new Map<string, DroverError>();

  /** @param options.search_path folders of the programs, as in PATH */
  constructor(options: {
    readonly host: HostName;
    readonly search_path?: string;
    readonly patience?: LvmPatience;
  }) {
    this.#host = options.host;
    this.#search_path = options.search_path ?? `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}`;
    this.#patience = options.patience ?? PATIENCE;
  }

  async figures(group: string): Promise<GroupFigures> {
    const columns = 'vg_size,vg_free,vg_extent_size';
    return this.#read('vgs', group, [...REPORT, columns, group], parseGroup);
  }

  async list(group: string): Promise<readonly FoundVolume[]> {
    const columns = 'lv_name,lv_size,lv_tags,lv_path';
    return this.#read('lvs', group, [...REPORT, columns, group], parseVolumes);
  }

  async create({ group, name, size_bytes }: PlannedVolume, tag: string): Promise<void> {
    // What an earlier owner of the extents left may look like a file system: nobody is there to be asked about it.
    const options = ['--yes', '--wipesignatures', 'n', '--addtag', tag];
    await this.#run('lvcreate', group, [...options, '--size', `${size_bytes}b`, '--name', name, group]);
  }

  async remove({ group, name }: VolumeName): Promise<void> {
    await this.#run('lvremove', group, ['--yes', `${group}/${name}`]).catch((error: unknown) => {
      if (!isDroverError(error, 'disk_tool_failed') || !IN_USE.test(error.message)) throw error;
      const values = { volume: `${group}/${name}`, host: this.#host, device: `/dev/${group}/${name}` };
      throw new DroverError('volume_in_use', values, { cause: error });
    });
  }

  async #read<Result>(
    program: Program,
    group: string,
    arguments_: readonly string[],
    parse: (output: string) => Result,
  ): Promise<Result> {
    const output = await this.#run(program, group, arguments_);
    try {
      return parse(output);
    } catch (error) {
      const reason = `an answer that is no report of it: ${String(error)}`;
      throw new DroverError(
        'disk_tool_failed',
        { tool: program, host: this.#host, reason },
        { cause: error },
      );
    }
  }

  #run(program: Program, group: string, arguments_: readonly string[]): Promise<string> {
    const silent = this.#silent.get(group);
    if (silent !== undefined) return Promise.reject(silent);
    const host = this.#host;
    const env = { PATH: this.#search_path, LC_ALL: 'C', LVM_SUPPRESS_FD_WARNINGS: '1' };
    const { look_seconds, change_seconds } = this.#patience;
    const seconds = program === 'vgs' || program === 'lvs' ? look_seconds : change_seconds;
    return new Promise((resolve, reject) => {
      const child = execFile(
        program,
        [...arguments_],
        { env, maxBuffer: OUTPUT_BYTES_MAX },
        (error, output, stderr) => {
          clearTimeout(timer);
          if (error === null) resolve(output);
          else reject(this.#failure(program, group, error, stderr));
        },
      );
      // Not execFile's own timeout: that one waits for the process to end.
      const timer = setTimeout(() => {
        const silence = new DroverError('disk_tool_silent', { tool: program, group, host, seconds });
        this.#silent.set(group, silence);
        child.once('exit', () => {
          if (this.#silent.get(group) === silence) this.#silent.delete(group);
        });
        child.kill('SIGKILL');
        // Nor is the end of this agent to wait for it.
        child.unref();
        child.stdout?.destroy();
        child.stderr?.destroy();
        reject(silence);
      }, seconds * 1000);
    });
  }

  #failure(program: Program, group: string, error: ExecFileException, stderr: string): DroverError {
    const host = this.#host;
    const reason = (stderr.trim() === '' ? error.message : stderr.trim()).slice(0, STDERR_CHARACTERS_MAX);
    if (error.code === 'ENOENT')
      return new DroverError('disk_tool_missing', { tool: program, host, package: 'lvm2' });
    if (/Volume group "[^"]*" not found/.test(reason))
      return new DroverError('volume_group_missing', { group, host, reason }, { cause: error });
    return new DroverError('disk_tool_failed', { tool: program, host, reason }, { cause: error });
  }
}
