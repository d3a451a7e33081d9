import { hash } from 'node:crypto';
import type { ServerRow } from '../queries/server-row.ts';
import { serverStatus, showsFault, showsProgress } from './server-status.ts';
import type { LinkMaker } from '../http/links.ts';
import { timeWithMicrosecondsOrNull, timeWithZone } from '../http/times.ts';

/** Which of Nova's three bodies of a server: `update` leaves the extensions out below 2.75. */
export type ServerViewKind = 'show' | 'detail' | 'update';

/** What the caller may see and the microversion asked for; computed once per request, not per server. */
export interface ServerViewOptions {
  readonly kind: ServerViewKind;
  readonly links: LinkMaker;
  readonly atLeast: (minor: number) => boolean;
  readonly is_admin: boolean;
  /** Policy os-extended-server-attributes. */
  readonly shows_host_attributes: boolean;
  /** Policy servers:show:host_status. */
  readonly shows_host_status: boolean;
  /** Policy servers:show:host_status:unknown-only, when the wider one is refused. */
  readonly shows_unknown_host_status: boolean;
  /** Policy servers:show:flavor-extra-specs. */
  readonly shows_extra_specs: boolean;
}

/** Nova's hostId: says whether two servers of one project share a host without naming it. */
export function hostIdOf(projectId: string, host: string | null): string {
  return host === null || host === '' ? '' : hash('sha224', projectId + host);
}

/** `instance-00000001`: the name that hypervisors know the guest by. */
export function instanceName(id: number): string {
  return `instance-${id.toString(16).padStart(8, '0')}`;
}

/** Entry of the short list: GET /servers. */
export function serverSummary(row: Pick<ServerRow, 'uuid' | 'name'>, links: LinkMaker): object {
  return { id: row.uuid, name: row.name, links: links.pair('servers', row.uuid) };
}

/**
 * One server as Nova 26 writes it at each microversion: same keys, same order (facts document, section 1.5;
 * recordings servers-views). The order matters to nobody but a reader who compares two answers.
 */
export function serverView(row: ServerRow, options: ServerViewOptions): Record<string, unknown> {
  const status = serverStatus(row.vm_state, row.task_state, row.deleted_at !== null);
  const view: Record<string, unknown> = {
    id: row.uuid,
    name: row.name,
    status,
    tenant_id: row.project_id,
    user_id: row.user_id,
    metadata: row.metadata,
    hostId: hostIdOf(row.project_id, row.host),
    image: row.image_id === null ? '' : imageView(row.image_id, options.links),
    flavor: flavorView(row, options),
    created: timeWithZone(row.created_at),
    updated: timeWithZone(row.updated_at),
    addresses: row.addresses,
    accessIPv4: row.access_ip_v4 ?? '',
    accessIPv6: row.access_ip_v6 ?? '',
    links: options.links.pair('servers', row.uuid),
    'OS-DCF:diskConfig': row.disk_config,
  };
  if (showsFault(status) && row.fault_code !== null) view['fault'] = faultView(row, options.is_admin);
  if (showsProgress(status)) view['progress'] = row.progress;
  const isFull = options.kind !== 'update' || options.atLeast(75);
  if (isFull) addExtensions(view, row, options);
  addVersioned(view, row, options, isFull);
  return view;
}

function imageView(imageId: string, links: LinkMaker): object {
  return { id: imageId, links: [{ rel: 'bookmark', href: links.bookmark('images', imageId) }] };
}

function flavorView(row: ServerRow, options: ServerViewOptions): object {
  const { flavor } = row;
  if (!options.atLeast(47)) {
    const href = options.links.bookmark('flavors', flavor.flavor_id);
    return { id: flavor.flavor_id, links: [{ rel: 'bookmark', href }] };
  }
  const view: Record<string, unknown> = {
    vcpus: flavor.vcpus,
    ram: flavor.memory_mb,
    disk: flavor.root_gb,
    ephemeral: flavor.ephemeral_gb,
    swap: flavor.swap_mb,
    original_name: flavor.name,
  };
  if (options.shows_extra_specs) view['extra_specs'] = flavor.extra_specs;
  return view;
}

function faultView(row: ServerRow, isAdmin: boolean): object {
  const fault: Record<string, unknown> = {
    code: row.fault_code,
    created: row.fault_created_at === null ? null : timeWithZone(row.fault_created_at),
    message: row.fault_message,
  };
  const details = row.fault_details;
  if (details !== null && details !== '' && (isAdmin || row.fault_code !== 500)) fault['details'] = details;
  return fault;
}

/** Extensions that every version shows, in Nova's order. */
function addExtensions(view: Record<string, unknown>, row: ServerRow, options: ServerViewOptions): void {
  view['OS-EXT-AZ:availability_zone'] = row.availability_zone ?? '';
  view['config_drive'] = row.config_drive;
  view['key_name'] = row.key_name;
  view['OS-SRV-USG:launched_at'] = timeWithMicrosecondsOrNull(row.launched_at);
  view['OS-SRV-USG:terminated_at'] = timeWithMicrosecondsOrNull(row.terminated_at);
  if (row.security_groups.length > 0) view['security_groups'] = row.security_groups;
  if (options.shows_host_attributes) {
    view['OS-EXT-SRV-ATTR:host'] = row.host;
    view['OS-EXT-SRV-ATTR:instance_name'] = instanceName(row.id);
    view['OS-EXT-SRV-ATTR:hypervisor_hostname'] = row.node;
    if (options.atLeast(3)) {
      view['OS-EXT-SRV-ATTR:reservation_id'] = row.reservation_id;
      view['OS-EXT-SRV-ATTR:launch_index'] = row.launch_index;
      view['OS-EXT-SRV-ATTR:hostname'] = row.hostname;
      view['OS-EXT-SRV-ATTR:kernel_id'] = '';
      view['OS-EXT-SRV-ATTR:ramdisk_id'] = '';
      // a device name exists once a host has built the guest
      view['OS-EXT-SRV-ATTR:root_device_name'] = row.launched_at === null ? null : row.root_device_name;
      view['OS-EXT-SRV-ATTR:user_data'] = row.user_data;
    }
  }
  view['OS-EXT-STS:task_state'] = row.task_state;
  view['OS-EXT-STS:vm_state'] = row.vm_state;
  view['OS-EXT-STS:power_state'] = row.power_state;
  view['os-extended-volumes:volumes_attached'] = [];
  if (options.kind !== 'detail') addHostStatus(view, row, options);
}

/** Keys that came with a microversion; `detail` has host_status last, the others first, as in Nova. */
function addVersioned(
  view: Record<string, unknown>,
  row: ServerRow,
  options: ServerViewOptions,
  isFull: boolean,
): void {
  const { atLeast } = options;
  if (atLeast(9)) view['locked'] = row.locked_by !== null;
  if (atLeast(73)) view['locked_reason'] = row.locked_by === null ? null : row.locked_reason;
  if (atLeast(19)) view['description'] = row.description;
  if (atLeast(26)) view['tags'] = row.tags;
  if (atLeast(63)) view['trusted_image_certificates'] = null;
  if (atLeast(90) && !options.shows_host_attributes) view['OS-EXT-SRV-ATTR:hostname'] = row.hostname;
  if (atLeast(71) && options.kind !== 'detail')
    view['server_groups'] = row.server_group_uuid === null ? [] : [row.server_group_uuid];
  if (isFull && options.kind === 'detail') addHostStatus(view, row, options);
}

function addHostStatus(view: Record<string, unknown>, row: ServerRow, options: ServerViewOptions): void {
  if (!options.atLeast(16)) return;
  if (options.shows_host_status) view['host_status'] = row.host_status;
  else if (options.shows_unknown_host_status && row.host_status === 'UNKNOWN')
    view['host_status'] = row.host_status;
}
