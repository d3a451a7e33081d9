import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLUSTER_MARK } from './processes.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Below it a test's folder, a cluster in it, and a host's socket still fit into 107 bytes. */
const PATH_LENGTH_MAX = 30;

/**
 * Processes that this run started: they work in its temporary folder or carry the mark of a cluster below it. Other
 * checkouts' clusters may come and go meanwhile.
 */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
        const isOurs = (line: string) =>
          line === `TMPDIR=${folder}` || line.startsWith(`${CLUSTER_MARK}=${folder}/`);
        if (!environment.some(isOurs)) return [];
        return [
          `process ${pid}: ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()}`,
        ];
      } catch {
        return [];
      }
    });
}

/**
 * The one folder in which a run of tests or of a measurement may put anything: in the checkout's `.run`, or in the
 * system's temporary folder where the checkout lies too deep for the paths of unix sockets.
 */
export function temporaryFolder(prefix = 'test-'): string {
  const own = join(root, '.run');
  mkdirSync(own, { recursive: true });
  return mkdtempSync(join(own.length <= PATH_LENGTH_MAX ? own : tmpdir(), prefix));
}

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

/** What lies in the checkout already, before a run. */
export const strayBefore = async (): Promise<ReadonlySet<string>> => new Set(await strayFiles());

/** Everything that a run has left behind, each as one line. Removes its folder. */
export async function leftovers(folder: string, stray_before: ReadonlySet<string>): Promise<string[]> {
  const left = [
    ...processesOf(folder),
    ...readdirSync(folder).map((name) => `folder ${join(folder, name)}`),
    ...(await strayFiles()).filter((file) => !stray_before.has(file)),
  ];
  rmSync(folder, { recursive: true, force: true });
  return left;
}
