import type { Queryable } from '../../../shared/database/connect.ts';
import { serviceSql } from './ingest-report.ts';

/**
 * This process in the list of services. Nova's clients and monitoring expect a conductor beside the scheduler; its
 * work is done here, so it lives and dies with this process.
 * @param host name of this machine.
 */
export async function reportOwnServices(database: Queryable, host: string): Promise<void> {
  await database.query(serviceSql, ['nova-scheduler', host, 'scheduler']);
  await database.query(serviceSql, ['nova-conductor', host, 'conductor']);
}
