import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLUSTER_MARK } from './processes.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Processes that carry any cluster's mark, as `pid command`. */
function markedProcesses(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
        if (!environment.some((line) => line.startsWith(`${CLUSTER_MARK}=`))) return [];
        return [
          `process ${pid}: ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()}`,
        ];
      } catch {
        return [];
      }
    });
}

/** Our folders among the machine's temporary ones. */
const temporaryFolders = (): string[] =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith('drover-'))
    .map((name) => `folder ${join(tmpdir(), name)}`);

/** What lies in the checkout and is neither in git nor ignored by it; `.run` is where clusters may lie. */
async function strayFiles(): Promise<string[]> {
  const { stdout } = await run('git', ['-C', root, 'status', '--porcelain', '--untracked-files=all']).catch(
    () => ({
      stdout: '',
    }),
  );
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('??'))
    .map((line) => `file ${line.slice(3)}`);
}

/** Everything of ours that could be left behind, each as one line. Compare before and after. */
export async function traces(): Promise<ReadonlySet<string>> {
  return new Set([...markedProcesses(), ...temporaryFolders(), ...(await strayFiles())]);
}
