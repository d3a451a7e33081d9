import type { HostName, InstanceId } from '../../../../shared/domain/ids.ts';
import { hostName, instanceId, projectId, serverGroupId } from '../../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../../shared/domain/instance-spec.ts';
import { resourcesOfFlavor } from '../../../../shared/domain/resources.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { PlacementRequest, ServerGroupState, Snapshot } from '../model.ts';
import type { PlacementSettings } from '../settings.ts';
import { LineWords } from './line-words.ts';
import { loadCluster } from './load.ts';
import { withSettingLine } from './settings-lines.ts';
import { parseWords } from './words.ts';

/*
 * A cluster with what is asked of it, so that a reported problem is one file. Beside the lines of format.ts:
 *
 *   setting filter_scheduler enabled_filters=ComputeFilter,RamFilter host_subset_size=2
 *   group g1 anti-affinity max=2
 *   member g1 7c0d… c1,c3
 *   request vm1 vcpus=2 memory_mb=2048 root_gb=20 project=4f2a… from=c1 zone=az1 group=g1 extra.hw:cpu_policy=dedicated
 *   expect vm1 host=c4
 *   expect vm2 host=none reason="short of 2048 MB"
 *
 * Requests are decided in their order, each on what those before it took. `setting` differs from Nova's defaults;
 * `from` is where the server is; `host` is the host that was asked for; `image.`, `hint.` and `extra.` take any key.
 */

const kinds: ReadonlySet<string> = new Set(['setting', 'group', 'member', 'request', 'expect']);

export interface ProblemRequest {
  readonly name: string;
  readonly request: PlacementRequest;
  readonly seed: string;
}

export interface Expectation {
  readonly name: string;
  /** Null: no host. */
  readonly host: HostName | null;
  /** A part of the sentence that says why there is none. */
  readonly reason: string | null;
  readonly line: number;
}

export interface PlacementProblem {
  readonly snapshot: Snapshot;
  readonly settings: PlacementSettings;
  readonly requests: readonly ProblemRequest[];
  readonly expectations: readonly Expectation[];
}

interface Loading {
  settings: PlacementSettings;
  readonly groups: Map<string, ServerGroupState & { readonly members: Map<InstanceId, readonly HostName[]> }>;
  readonly requests: Map<string, LineWords>;
  readonly expectations: Expectation[];
}

/**
 * @param text as above; without requests it is a plain cluster @param base settings that the file's lines change
 * @throws DroverError `cluster_text_invalid` with the number of the line and what was expected
 */
export function loadProblem(text: string, base: PlacementSettings): PlacementProblem {
  const loading: Loading = { settings: base, groups: new Map(), requests: new Map(), expectations: [] };
  const lines = text.split('\n');
  for (const [index, raw] of lines.entries()) {
    const trimmed = raw.trim();
    if (!kinds.has(trimmed.split(/\s/, 1)[0] ?? '')) continue;
    at(index + 1, () => readLine(trimmed, index + 1, loading));
    // The cluster's reader sees an empty line, so that its line numbers are this file's.
    lines[index] = '';
  }
  return {
    snapshot: loadCluster(lines.join('\n')),
    settings: loading.settings,
    requests: [...loading.requests.values()].map((words) =>
      at(words.line, () => ({
        name: words.name,
        request: requestOf(words, loading),
        seed: words.text('seed') ?? words.name,
      })),
    ),
    expectations: loading.expectations,
  };
}

function at<Result>(line: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new DroverError('cluster_text_invalid', { line, problem }, { cause: error });
  }
}

function readLine(text: string, line: number, loading: Loading): void {
  const [kind = '', name = '', ...rest] = parseWords(text);
  if (name === '') throw new Error(`"${kind}" needs a name`);
  const words = new LineWords(line, name, rest);
  switch (kind) {
    case 'setting':
      loading.settings = withSettingLine(loading.settings, name, words.pairs);
      return;
    case 'group':
      loading.groups.set(name, {
        id: serverGroupId(name),
        policy: policyOf(words.plain[0]),
        max_server_per_host: words.number('max', 1),
        members: new Map(),
      });
      return;
    case 'member': {
      const group = loading.groups.get(name);
      if (group === undefined) throw new Error(`there is no group ${name} above this line`);
      const [member = '', hosts = ''] = words.plain;
      group.members.set(instanceId(member), hosts.split(',').filter(isSomething).map(hostName));
      return;
    }
    case 'request':
      if (loading.requests.has(name)) throw new Error(`there are two requests named ${name}`);
      loading.requests.set(name, words);
      return;
    default:
      loading.expectations.push(expectationOf(words, loading));
  }
}

const policies = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'] as const;

function policyOf(word: string | undefined): ServerGroupState['policy'] {
  const policy = policies.find((known) => known === word);
  if (policy === undefined) throw new Error(`a group's policy is one of ${policies.join(', ')}`);
  return policy;
}

function expectationOf(words: LineWords, loading: Loading): Expectation {
  if (!loading.requests.has(words.name)) throw new Error(`there is no request ${words.name} above this line`);
  words.allowOnly(['host', 'reason'], []);
  const host = words.text('host');
  if (host === undefined) throw new Error('expect needs host=NAME or host=none');
  return {
    name: words.name,
    host: host === 'none' ? null : hostName(host),
    reason: words.text('reason') ?? null,
    line: words.line,
  };
}

const requestKeys = [
  'instance',
  'project',
  'flavor',
  'vcpus',
  'memory_mb',
  'root_gb',
  'ephemeral_gb',
  'swap_mb',
  'image_id',
  'group',
  'zone',
  'from',
  'host',
  'forced_host',
  'ignore',
  'seed',
] as const;

function requestOf(words: LineWords, loading: Loading): PlacementRequest {
  words.allowOnly(requestKeys, ['extra.', 'image.', 'hint.', 'hint-json.']);
  const flavor = flavorOf(words);
  const group = words.text('group');
  const found = group === undefined ? null : loading.groups.get(group);
  if (found === undefined) throw new Error(`there is no group ${group}`);
  const from = words.hosts('from');
  const ignored = words.hosts('ignore');
  return {
    instance_id: instanceId(words.text('instance') ?? words.name),
    project_id: projectId(words.text('project') ?? 'project'),
    flavor,
    resources: resourcesOfFlavor(flavor),
    image_id: words.text('image_id') ?? null,
    image_properties: words.under('image.'),
    hints: {
      ...words.under('hint.'),
      ...Object.fromEntries(
        Object.entries(words.under('hint-json.')).map(([key, value]): [string, unknown] => [
          key,
          JSON.parse(value),
        ]),
      ),
    },
    server_group: found,
    availability_zone: words.text('zone') ?? null,
    requested_host: words.hosts('host')[0] ?? null,
    forced_host: words.hosts('forced_host')[0] ?? null,
    ignore_hosts: [...from, ...ignored],
    tried_hosts: ignored,
  };
}

function flavorOf(words: LineWords): FlavorSpec {
  const name = words.text('flavor') ?? words.name;
  return {
    id: 0,
    flavor_id: name,
    name,
    vcpus: words.number('vcpus', 1),
    memory_mb: words.number('memory_mb', 512),
    root_gb: words.number('root_gb', 0),
    ephemeral_gb: words.number('ephemeral_gb', 0),
    swap_mb: words.number('swap_mb', 0),
    rxtx_factor: 1,
    is_public: true,
    disabled: false,
    description: null,
    extra_specs: words.under('extra.'),
  };
}

const isSomething = (word: string): boolean => word !== '';
