import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { startPrivatePostgres } from '../../scripts/cluster/private-postgres.ts';
import { killAllOf } from '../../scripts/cluster/processes.ts';
import { brokerUrl, startRabbitmq } from '../../scripts/cluster/rabbitmq.ts';
import { testAgents, testVirtualHosts } from './support/broker.ts';
import { ensureTemplateDatabase } from './support/database.ts';

type TearDown = () => Promise<void>;

/**
 * One PostgreSQL and one RabbitMQ for the whole functional run, unless DROVER_DATABASE_URL and
 * DROVER_TRANSPORT_URL name others. Test files take their own database and virtual host from them
 * (support/database.ts, support/broker.ts).
 */
export default async function startServers(): Promise<TearDown> {
  const wantsDatabase = process.env['DROVER_DATABASE_URL'] === undefined;
  const wantsBroker = process.env['DROVER_TRANSPORT_URL'] === undefined;
  const tearDowns: TearDown[] = [];
  const tearDown = async () => {
    await Promise.all(tearDowns.map((end) => end()));
  };
  try {
    await Promise.all([
      wantsDatabase ? startDatabase(tearDowns) : undefined,
      wantsBroker ? startBroker(tearDowns) : undefined,
    ]);
    await ensureTemplateDatabase();
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

const temporaryFolder = () => mkdtempSync(join(tmpdir(), 'drover-functional-'));
const remove = (folder: string) => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
const secret = () => randomBytes(16).toString('hex');

async function startDatabase(tearDowns: TearDown[]): Promise<void> {
  const { url, end } = await startPrivatePostgres(false);
  tearDowns.push(end);
  process.env['DROVER_DATABASE_URL'] = url;
}

async function startBroker(tearDowns: TearDown[]): Promise<void> {
  const folder = temporaryFolder();
  const cluster_id = `test-${randomBytes(4).toString('hex')}`;
  const [port = 0, distribution_port = 0, epmd_port = 0] = await freePorts(3);
  const admin = { name: 'drover', password: secret() };
  tearDowns.push(async () => {
    await killAllOf(cluster_id, []);
    remove(folder);
  });
  await startRabbitmq({
    cluster_id,
    folder: join(folder, 'rabbitmq'),
    log_file: join(folder, 'rabbitmq.log'),
    port,
    distribution_port,
    epmd_port,
    cookie: secret(),
    definitions: { virtual_hosts: ['/', ...testVirtualHosts], admin, agents: testAgents },
  });
  process.env['DROVER_TRANSPORT_URL'] = brokerUrl(port, admin.name, admin.password);
}
