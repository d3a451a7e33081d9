import { spawn } from 'node:child_process';
import { isDeepStrictEqual, parseArgs, styleText } from 'node:util';
import { join, resolve } from 'node:path';
import { administratorOf } from './access-files.ts';
import { logIn, request, type Session } from './api-session.ts';
import type { ClusterDescription } from './cluster-json.ts';
import { guestDiskDigest } from './guest-disk.ts';
import { environmentFor } from './processes.ts';
import { runProgram, shownFolder } from './program.ts';
import { startCluster } from './start-cluster.ts';
import { stopCluster } from './stop-cluster.ts';
import { defaultWorld, sampleImage } from './world.ts';

const help = `usage: scripts/demo [--keep] [--dir DIR]

The main job from nothing: starts a private cluster, creates a server with a real disk, moves it to another
host while you watch, confirms, and checks that it still is the same server with the same disk.
Takes everything down at the end, unless --keep. Exit code 0 only if all of it was true.
`;

const SERVER = 'first';
/** Big enough, and slow enough, that there is something to watch. */
const DISK = { data_mib: 144, virtual_mib: 1024 };
const HOSTS = 3;
const RATE = '24MiB/s';

const out = (text: string) => process.stdout.write(text);
let stepNumber = 0;

function step(title: string): void {
  stepNumber += 1;
  out(`\n${styleText('bold', `${stepNumber}. ${title}`)}\n`);
}

const command = (text: string) => out(`   ${styleText('cyan', `$ ${text}`)}\n`);
const fact = (name: string, value: string) => out(`   ${name.padEnd(10)} ${value}\n`);

/** What was promised; the demo fails when one is not kept. */
class Promises {
  broken = 0;

  check(what: string, kept: boolean): void {
    if (!kept) this.broken += 1;
    out(`   ${kept ? styleText('green', '✓') : styleText('red', '✗')} ${what}\n`);
  }
}

/** What a server is, apart from where it is and when it changed. */
interface ServerView {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly addresses: object;
  readonly metadata: object;
  readonly 'OS-EXT-SRV-ATTR:host': string;
}

class Demo {
  readonly #session: Session;
  readonly #cluster: ClusterDescription;
  readonly #environment: Record<string, string>;

  constructor(session: Session, cluster: ClusterDescription, environment: Record<string, string>) {
    this.#session = session;
    this.#cluster = cluster;
    this.#environment = environment;
  }

  /** Runs the command line that a person would type, on this terminal. @throws Error unless it exits with 0 */
  async drover(...words: string[]): Promise<void> {
    command(`drover ${words.join(' ')}`);
    const program = join(import.meta.dirname, '../../services/cli/drover.js');
    const child = spawn(process.execPath, [program, ...words], {
      env: this.#environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const code = await new Promise<number | null>((done, failed) => {
      child.once('error', failed);
      child.once('close', done);
    });
    if (code !== 0) throw new Error(`drover ${words.join(' ')}: exit code ${code}`);
  }

  async server(): Promise<ServerView> {
    const { servers } = await request<{ servers: ServerView[] }>(
      this.#session,
      'GET',
      `/compute/v2.1/servers/detail?name=^${SERVER}$`,
    );
    const [server] = servers;
    if (server === undefined) throw new Error(`server "${SERVER}" is gone`);
    return server;
  }

  digest(server: ServerView): Promise<string> {
    const host = this.#cluster.hosts.find(({ name }) => name === server['OS-EXT-SRV-ATTR:host']);
    if (host === undefined) throw new Error(`server "${SERVER}" is on no host of this cluster`);
    return guestDiskDigest(join(host.instances_path, server.id));
  }
}

async function showMainJob(demo: Demo, promises: Promises): Promise<void> {
  step(`A server with a real disk: ${DISK.data_mib} MiB of data on ${DISK.virtual_mib} MiB`);
  const create = `server create ${SERVER} --flavor m1.tiny --image demo-disk --property purpose=demo --wait`;
  await demo.drover(...create.split(' '));
  const before = await demo.server();
  const digestBefore = await demo.digest(before);
  fact('disk', `sha256 ${digestBefore}`);

  step(`Move it, at ${RATE} so that one can watch`);
  await demo.drover('server', 'migrate', SERVER, '--wait', '--timeout', '120');
  const moved = await demo.server();
  fact('status', moved.status);
  fact('host', `${before['OS-EXT-SRV-ATTR:host']} → ${moved['OS-EXT-SRV-ATTR:host']}`);
  promises.check('it waits in VERIFY_RESIZE', moved.status === 'VERIFY_RESIZE');
  promises.check('on another host', moved['OS-EXT-SRV-ATTR:host'] !== before['OS-EXT-SRV-ATTR:host']);

  step('Confirm: keep it there, and remove what it left behind');
  await demo.drover('server', 'migrate', 'confirm', SERVER, '--wait', '--timeout', '60');
  const after = await demo.server();
  const digestAfter = await demo.digest(after);

  step('Is it still the same server?');
  fact('disk', `sha256 ${digestAfter}`);
  promises.check('the disk is the same, byte for byte', digestAfter === digestBefore);
  promises.check(`the same id, ${after.id}`, after.id === before.id);
  promises.check(`the same name, ${after.name}`, after.name === before.name);
  promises.check('the same addresses', isDeepStrictEqual(after.addresses, before.addresses));
  promises.check(
    `the same metadata, ${JSON.stringify(after.metadata)}`,
    isDeepStrictEqual(after.metadata, before.metadata),
  );
  promises.check(`it runs again: ${after.status}`, after.status === before.status);
}

async function openDemo(folder: string): Promise<Demo> {
  // A demo that was interrupted: from nothing means from nothing.
  await stopCluster(folder);
  const world = defaultWorld(HOSTS);
  const { description } = await startCluster(
    {
      folder,
      host_count: HOSTS,
      world: { ...world, images: [...world.images, sampleImage('demo-disk', 'qcow2', DISK)] },
      world_file: null,
      // Flat disks: everything the guest has travels, not only what it wrote.
      settings: ['DEFAULT.use_cow_images=false', `mover.limit_bytes_per_second=${RATE.replace('/s', '')}`],
      api_port: null,
      schedulers: 1,
    },
    (line) => out(`   ${styleText('dim', line)}\n`),
  );
  const access = administratorOf(world);
  const session = await logIn(description.urls.compute.replace('/compute/v2.1', ''), access);
  const environment = environmentFor(null, {
    OS_AUTH_URL: description.urls.identity,
    OS_USERNAME: access.user,
    OS_PASSWORD: access.password,
    OS_PROJECT_NAME: access.project,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_IDENTITY_API_VERSION: '3',
  });
  return new Demo(session, description, environment);
}

await runProgram(async (argv) => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      keep: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.run/demo' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    out(help);
    return 0;
  }
  const began = performance.now();
  const folder = resolve(values.dir);
  const shown = shownFolder(folder);
  const promises = new Promises();
  try {
    step('A private cluster: PostgreSQL, RabbitMQ, api, scheduler, three hosts');
    command(`./scripts/up --dir ${shown}`);
    await showMainJob(await openDemo(folder), promises);
  } finally {
    if (!values.keep) {
      step('Take everything down');
      command(`./scripts/down --dir ${shown}`);
      await stopCluster(folder);
    }
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  if (values.keep)
    out(
      `\nIt is still up. Next:\n   source ${shown}/openrc\n   ./scripts/drover migration list\n` +
        `   openstack server migrate ${SERVER}\n   ./scripts/down --dir ${shown}\n`,
    );
  out(
    promises.broken === 0
      ? styleText('green', `\nAll of it was true, in ${seconds} s.\n`)
      : styleText('red', `\n${promises.broken} of it was not true.\n`),
  );
  return promises.broken === 0 ? 0 : 1;
});
