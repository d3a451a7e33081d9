import type { PlacementRequest, ServerGroupState, Snapshot } from '../model.ts';
import type { PlacementSettings } from '../settings.ts';
import { dumpCluster } from './dump.ts';
import { settingLines } from './settings-lines.ts';
import { quotePair, quoteWord } from './words.ts';

/** @returns text that `loadProblem` reads back: the cluster, the settings, and what is asked, by its server's id */
export function dumpProblem(
  snapshot: Snapshot,
  settings: PlacementSettings,
  requests: readonly PlacementRequest[],
): string {
  const groups = new Map(
    requests.flatMap(({ server_group }) => (server_group === null ? [] : [[server_group.id, server_group]])),
  );
  const lines = [
    ...settingLines(settings),
    ...[...groups.values()].flatMap(groupLines),
    ...requests.map(requestLine),
  ];
  return `${dumpCluster(snapshot)}${lines.map((line) => `${line}\n`).join('')}`;
}

function groupLines({ id, policy, max_server_per_host, members }: ServerGroupState): readonly string[] {
  return [
    `group ${quoteWord(id)} ${policy} max=${max_server_per_host}`,
    ...[...members].map(([member, hosts]) =>
      [
        'member',
        quoteWord(id),
        quoteWord(member),
        ...(hosts.length > 0 ? [quoteWord(hosts.join(','))] : []),
      ].join(' '),
    ),
  ];
}

function requestLine(request: PlacementRequest): string {
  const { flavor } = request;
  const tried = new Set(request.tried_hosts ?? []);
  const pairs: Readonly<Record<string, string | number | null>> = {
    project: request.project_id,
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    memory_mb: flavor.memory_mb,
    root_gb: flavor.root_gb,
    ephemeral_gb: flavor.ephemeral_gb === 0 ? null : flavor.ephemeral_gb,
    swap_mb: flavor.swap_mb === 0 ? null : flavor.swap_mb,
    image_id: request.image_id,
    group: request.server_group?.id ?? null,
    zone: request.availability_zone,
    from: joined(request.ignore_hosts.filter((host) => !tried.has(host))),
    ignore: joined([...tried]),
    host: request.requested_host,
    forced_host: request.forced_host,
    ...prefixed('extra.', flavor.extra_specs),
    ...prefixed('image.', request.image_properties),
    ...hintPairs(request.hints),
  };
  const written = Object.entries(pairs).flatMap(([key, value]) =>
    value === null ? [] : [quotePair(key, value)],
  );
  return ['request', quoteWord(request.instance_id), ...written].join(' ');
}

/** A text that looks like JSON is a text all the same (JsonFilter's query): the key says which it is. */
function hintPairs(hints: PlacementRequest['hints']): Readonly<Record<string, string>> {
  const pairs = Object.entries(hints);
  return {
    ...Object.fromEntries(
      pairs.flatMap(([key, value]) => (typeof value === 'string' ? [[`hint.${key}`, value]] : [])),
    ),
    ...Object.fromEntries(
      pairs.flatMap(([key, value]) =>
        typeof value === 'string' ? [] : [[`hint-json.${key}`, JSON.stringify(value)]],
      ),
    ),
  };
}

const joined = (hosts: readonly string[]): string | null => (hosts.length === 0 ? null : hosts.join(','));

function prefixed(prefix: string, record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [`${prefix}${key}`, value]));
}
