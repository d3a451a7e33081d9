import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { list, record, text, type JsonRecord } from '../../session/json.ts';
import type { Session } from '../../session/session.ts';
import { waitForServer } from '../../wait.ts';
import { openSession, printOne, type Command } from '../context.ts';
import { timeoutOption, waitOption } from '../wait-options.ts';
import { serverRow } from './show.ts';

interface Arguments {
  readonly name: string;
  readonly flavor: string;
  readonly image: string;
  readonly property: readonly string[];
  readonly 'availability-zone': string | undefined;
  readonly hint: readonly string[];
  readonly wait: boolean;
  readonly timeout: number;
}

export const createServer: Command<Arguments> = {
  command: 'create <name>',
  describe: 'Create a server from an image',
  builder: (argv) =>
    argv
      .positional('name', { type: 'string', demandOption: true })
      .option('flavor', { type: 'string', demandOption: true, describe: 'Name or id' })
      .option('image', { type: 'string', demandOption: true, describe: 'Name or id' })
      .option('property', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'KEY=VALUE of metadata',
      })
      .option('availability-zone', { type: 'string', describe: 'Zone, or ZONE:HOST (admin)' })
      .option('hint', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'KEY=VALUE for the scheduler, e.g. group=UUID',
      })
      .option('wait', waitOption)
      .option('timeout', timeoutOption),
  handler: async (options) => {
    const session = await openSession(options);
    const metadata = pairs(options.property, '--property');
    const hints = pairs(options.hint, '--hint');
    const zone = options['availability-zone'];
    const answer = await session.request('compute', 'POST', '/servers', {
      body: {
        server: {
          name: options.name,
          flavorRef: await findByName(
            session,
            'compute',
            '/flavors/detail?is_public=None',
            'flavors',
            options.flavor,
          ),
          imageRef: await findByName(session, 'image', '/v2/images', 'images', options.image),
          networks: 'none',
          ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
          ...(zone === undefined ? {} : { availability_zone: zone }),
        },
        ...(Object.keys(hints).length > 0 ? { 'os:scheduler_hints': hints } : {}),
      },
    });
    const id = text(record(answer.body, 'server'), 'id') ?? '';
    const server = options.wait
      ? await waitForServer(session, {
          server_id: id,
          request_id: answer.request_id,
          statuses: ['ACTIVE'],
          what: 'creation',
          timeout_seconds: options.timeout,
          watch_migration: false,
        })
      : record((await session.request('compute', 'GET', `/servers/${id}`)).body, 'server');
    if (server !== null) printOne(serverRow(server), options);
  },
};

function pairs(values: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    values.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CommandFailure(ExitCode.usage, `${option} '${pair}' is not KEY=VALUE.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function findByName(
  session: Session,
  service: 'compute' | 'image',
  path: string,
  key: string,
  wanted: string,
): Promise<string> {
  const all: readonly JsonRecord[] = list((await session.request(service, 'GET', path)).body, key);
  const found = all.filter((thing) => text(thing, 'id') === wanted || text(thing, 'name') === wanted);
  const id = text(found[0], 'id');
  if (id !== null && found.length === 1) return id;
  const names = all.map((thing) => text(thing, 'name')).join(', ');
  throw new CommandFailure(
    ExitCode.refused,
    `${found.length === 0 ? 'No' : found.length} ${key} named '${wanted}'. There are: ${names || 'none'}.`,
  );
}
