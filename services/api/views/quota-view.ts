import type { QuotaNumbers } from '../queries/quotas.ts';

type VersionCheck = (minor: number) => boolean;

/** Resources of the networks, which Nova showed until 2.35; they are counted elsewhere, so here there is no limit. */
const NO_LIMIT = -1;
const networkResources = ['fixed_ips', 'floating_ips', 'security_group_rules', 'security_groups'] as const;

export interface QuotaEntry {
  readonly limit: number;
  readonly in_use: number;
  readonly reserved: 0;
}

/** The names that a version shows, in Nova's order, which is the alphabet's. */
export function shownResources(atLeast: VersionCheck): readonly string[] {
  return [
    ...(atLeast(36) ? [] : networkResources),
    ...(atLeast(57) ? [] : ['injected_file_content_bytes', 'injected_file_path_bytes', 'injected_files']),
    'cores',
    'instances',
    'key_pairs',
    'metadata_items',
    'ram',
    'server_group_members',
    'server_groups',
  ].sort();
}

/** A quota set: recordings `limits-quotas`. The answer of PUT has no id. @param id of the project, or of the class */
export function quotaView(limits: QuotaNumbers, atLeast: VersionCheck, id?: string): object {
  return shape(id, atLeast, (resource) => limitOf(limits, resource));
}

/** With what is used. Nothing is ever reserved: a server counts from its request on. */
export function quotaDetailView(
  limits: QuotaNumbers,
  used: QuotaNumbers,
  atLeast: VersionCheck,
  id: string,
): object {
  return shape(id, atLeast, (resource): QuotaEntry => ({
    limit: limitOf(limits, resource),
    in_use: valueOf(used, resource) ?? 0,
    reserved: 0,
  }));
}

/** GET /limits. The names are older than those of the quotas. */
export function limitsView(limits: QuotaNumbers, used: QuotaNumbers, atLeast: VersionCheck): object {
  const has_networks = !atLeast(36);
  return {
    rate: [],
    absolute: {
      maxTotalInstances: limits.instances,
      maxTotalCores: limits.cores,
      maxTotalRAMSize: limits.ram,
      maxServerMeta: limits.metadata_items,
      ...(atLeast(39) ? {} : { maxImageMeta: limits.metadata_items }),
      ...(atLeast(57)
        ? {}
        : {
            maxPersonality: limits.injected_files,
            maxPersonalitySize: limits.injected_file_content_bytes,
          }),
      maxTotalKeypairs: limits.key_pairs,
      maxServerGroups: limits.server_groups,
      maxServerGroupMembers: limits.server_group_members,
      ...(has_networks
        ? { maxTotalFloatingIps: NO_LIMIT, maxSecurityGroups: NO_LIMIT, maxSecurityGroupRules: NO_LIMIT }
        : {}),
      totalRAMUsed: used.ram,
      totalCoresUsed: used.cores,
      totalInstancesUsed: used.instances,
      ...(has_networks ? { totalFloatingIpsUsed: 0, totalSecurityGroupsUsed: 0 } : {}),
      totalServerGroupsUsed: used.server_groups,
    },
  };
}

function shape(
  id: string | undefined,
  atLeast: VersionCheck,
  value: (resource: string) => number | QuotaEntry,
): object {
  return {
    ...(id === undefined ? {} : { id }),
    ...Object.fromEntries(shownResources(atLeast).map((resource) => [resource, value(resource)])),
  };
}

const limitOf = (limits: QuotaNumbers, resource: string): number => valueOf(limits, resource) ?? NO_LIMIT;

function valueOf(numbers: Readonly<Record<string, number>>, resource: string): number | undefined {
  return numbers[resource];
}
