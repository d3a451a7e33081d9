import { execFile } from 'node:child_process';
import type { HostName } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
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

const REPORT = ['--reportformat', 'json', '--units', 'b', '--nosuffix', '--options'];

type Program = 'vgs' | 'lvs' | 'lvcreate' | 'lvremove';

/** LVM2's programs. They take their own locks: any number of them may run at the same time. */
export class Lvm implements LogicalVolumes {
  readonly #host: HostName;
  readonly #search_path: string;

  /** @param options.search_path folders of the programs, as in PATH */
  constructor(options: { readonly host: HostName; readonly search_path?: string }) {
    this.#host = options.host;
    this.#search_path = options.search_path ?? `${process.env['PATH'] ?? ''}:${SYSTEM_FOLDERS}`;
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
    await this.#run('lvremove', group, ['--yes', `${group}/${name}`]);
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
    const host = this.#host;
    const env = { PATH: this.#search_path, LC_ALL: 'C', LVM_SUPPRESS_FD_WARNINGS: '1' };
    return new Promise((resolve, reject) => {
      execFile(program, [...arguments_], { env, maxBuffer: OUTPUT_BYTES_MAX }, (error, output, stderr) => {
        if (error === null) return resolve(output);
        const found = (stderr.trim() === '' ? error.message : stderr.trim()).slice(0, STDERR_CHARACTERS_MAX);
        if (error.code === 'ENOENT')
          reject(new DroverError('disk_tool_missing', { tool: program, host, package: 'lvm2' }));
        else if (/Volume group "[^"]*" not found/.test(found))
          reject(new DroverError('volume_group_missing', { group, host, reason: found }, { cause: error }));
        else
          reject(
            new DroverError('disk_tool_failed', { tool: program, host, reason: found }, { cause: error }),
          );
      });
    });
  }
}
