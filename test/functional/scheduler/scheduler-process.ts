import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_TIMEOUT_MILLISECONDS = 30_000;
const services = join(import.meta.dirname, '../../../services');

export interface SchedulerProcess {
  readonly pid: number;
  /** Everything it has said so far, one JSON object a line. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Ends it in order and waits for it. */
  close(): Promise<number | null>;
}

/**
 * Starts services/scheduler/main.ts as a process of its own with this configuration, and waits for its ready line.
 * @throws Error with its output when it ends before
 */
export async function startSchedulerProcess(configuration: string): Promise<SchedulerProcess> {
  const started = launch('scheduler', configuration);
  const { child } = started;
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
    }, START_TIMEOUT_MILLISECONDS);
    void started.ended.finally(() => clearTimeout(late));
    child.stdout?.on('data', () => {
      if (!started.output().includes('"msg":"ready"')) return;
      clearTimeout(late);
      resolve();
    });
    void started.ended.then((code) =>
      reject(new Error(`the scheduler ended with ${code}: ${started.output()}`)),
    );
  });
  return {
    pid: child.pid ?? 0,
    output: () => started.output(),
    kill: (signal) => void child.kill(signal),
    close: async () => {
      child.kill('SIGTERM');
      return await started.ended;
    },
  };
}

/** A service that is expected to stop at its start. */
export async function serviceThatEnds(
  service: 'api' | 'scheduler',
  configuration: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const started = launch(service, configuration);
  const code = await started.ended;
  return { code, output: started.output() };
}

function launch(
  service: 'api' | 'scheduler',
  configuration: string,
): {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'drover-scheduler-'));
  const file = join(folder, 'drover.conf');
  writeFileSync(file, configuration);
  const child = spawn(process.execPath, [join(services, service, 'main.ts'), '--config-file', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => (output += text));
  }
  const ended = once(child, 'close').then(([code]) => {
    rmSync(folder, { recursive: true });
    return typeof code === 'number' ? code : null;
  });
  return { child, ended, output: () => output };
}
