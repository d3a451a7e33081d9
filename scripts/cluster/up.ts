import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { StartOptions } from './new-state.ts';
import { startCluster } from './start-cluster.ts';
import { runProgram, shownFolder, usageError, wholeNumber } from './program.ts';

const help = `usage: scripts/up [--hosts N] [--dir DIR] [--world FILE] [--set SECTION.OPTION=VALUE]...

Starts a private cluster on loopback, or what of it is missing, and returns when it is ready.

  --hosts N        hosts compute1 to computeN (default: the world's, else 3; more may be added later)
  --dir DIR        where everything lies (default .run)
  --world FILE     users, projects, flavors, images, hosts and quotas to create (JSON)
  --set S.O=V      an option for all processes, for example DEFAULT.resize_confirm_window=60; may repeat
  --api-port N     port of the api (default: a free one)
  --schedulers N   scheduler processes (default 1)
  --hypervisor H   fake (default)

DROVER_DATABASE_URL and DROVER_TRANSPORT_URL: use these servers instead of private ones.
Afterwards: source DIR/openrc, then openstack server list. scripts/down --dir DIR ends it.
`;

function readOptions(argv: readonly string[]): StartOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      hosts: { type: 'string' },
      dir: { type: 'string', default: '.run' },
      world: { type: 'string' },
      set: { type: 'string', multiple: true },
      'api-port': { type: 'string' },
      schedulers: { type: 'string' },
      hypervisor: { type: 'string', default: 'fake' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return null;
  if (values.hypervisor !== 'fake')
    throw usageError(`--hypervisor ${values.hypervisor}: this version has "fake" only`);
  return {
    folder: resolve(values.dir),
    host_count: wholeNumber('--hosts', values.hosts, 1, 1000),
    world: null,
    world_file: values.world === undefined ? null : resolve(values.world),
    settings: values.set ?? null,
    api_port: wholeNumber('--api-port', values['api-port'], 1, 65_535),
    schedulers: wholeNumber('--schedulers', values.schedulers, 1, 100),
  };
}

await runProgram(async (argv) => {
  const options = readOptions(argv);
  if (options === null) {
    process.stdout.write(help);
    return 0;
  }
  const began = performance.now();
  const { description, started } = await startCluster(options, (line) => {
    process.stderr.write(`drover: ${line}\n`);
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const folder = shownFolder(options.folder);
  const done =
    started === 0 ? 'everything was running already' : `${started} processes started in ${seconds} s`;
  process.stdout.write(
    [
      `Ready: ${description.hosts.length} hosts, compute api at ${description.urls.compute} (${done}).`,
      '',
      `  source ${folder}/openrc       # administrator; ${folder}/openrc-demo is a plain user`,
      '  openstack --os-compute-api-version 2.37 server create --flavor m1.tiny --image tiny --nic none --wait first',
      '  openstack server migrate first',
      `  ./scripts/down${folder === '.run' ? '' : ` --dir ${folder}`}              # when you are done`,
      '',
    ].join('\n'),
  );
  return 0;
});
