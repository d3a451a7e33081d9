import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './ports.ts';
import { postgresUrl, removeSharedMemory, startPostgres } from './postgres.ts';
import { endProcess, killAllOf, type ProcessRecord } from './processes.ts';

export interface PrivatePostgres {
  /** Of its superuser's database. */
  readonly url: string;
  /** Ends it and removes all that it kept. */
  readonly end: () => Promise<void>;
}

/**
 * A PostgreSQL for one run, in a temporary folder: of tests, and of measurements. An interrupt while it starts or runs
 * ends it before the process.
 * @param durable off only where nobody asks what a commit costs
 */
export async function startPrivatePostgres(durable: boolean): Promise<PrivatePostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-postgres-'));
  // Temporary folders are for their owner alone; PostgreSQL runs as somebody else.
  for (const open of [folder, tmpdir()]) letThrough(open);
  const secret = () => randomBytes(16).toString('hex');
  const [port = 0] = await freePorts(1);
  const options = {
    cluster_id: `private-${secret()}`,
    folder: join(folder, 'postgres'),
    log_file: join(folder, 'postgres.log'),
    port,
    password: secret(),
    durable,
  };
  let record: ProcessRecord | undefined;
  const end = async (): Promise<void> => {
    for (const name of interrupts) process.off(name, interrupted);
    if (record !== undefined) await endProcess(record, { signal: 'SIGINT', grace_seconds: 10 });
    await killAllOf(options.cluster_id, []);
    await removeSharedMemory(options.folder, record);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const interrupted = (): void => void end().finally(() => process.exit(1));
  for (const name of interrupts) process.on(name, interrupted);
  try {
    record = await startPostgres({ ...options, on_spawn: (spawned) => (record = spawned) });
  } catch (error) {
    await end();
    throw error;
  }
  return { url: postgresUrl(options, 'postgres'), end };
}

const interrupts = ['SIGINT', 'SIGTERM'] as const;

/** Others may pass through a folder of ours; the system's own is not ours to change, and need not be. */
function letThrough(folder: string): void {
  if (statSync(folder).uid === process.getuid?.() && (statSync(folder).mode & 0o001) === 0)
    chmodSync(folder, 0o711);
}
