import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
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
 * A PostgreSQL for one run, in a temporary folder: of tests, and of measurements.
 * @param durable off only where nobody asks what a commit costs
 */
export async function startPrivatePostgres(durable: boolean): Promise<PrivatePostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-postgres-'));
  // A temporary folder is for its owner alone; PostgreSQL runs as somebody else.
  chmodSync(folder, 0o711);
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
    if (record !== undefined) await endProcess(record, { signal: 'SIGINT', grace_seconds: 10 });
    await killAllOf(options.cluster_id, []);
    await removeSharedMemory(options.folder, record);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    record = await startPostgres(options);
  } catch (error) {
    await end();
    throw error;
  }
  return { url: postgresUrl(options, 'postgres'), end };
}
