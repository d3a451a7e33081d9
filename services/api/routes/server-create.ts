import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Queryable } from '../../../shared/database/connect.ts';
import { hostName, instanceId, type HostName } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { booleanValue, validateBody } from '../http/validate.ts';
import { newAdminPassword, newReservationId, requestCreate } from '../operations/request-create.ts';
import { requireHost, requireHypervisor } from '../operations/source-host.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { findFlavor } from '../queries/flavors-of-servers.ts';
import { allowedCount, lockQuota, readLimit, readQuota } from '../queries/quota-usage.ts';
import {
  findImage,
  findServerGroup,
  hasKeypair,
  listAvailableZones,
  type ImageForServer,
  type NewInstance,
} from '../queries/server-creation.ts';
import type { ApiServices } from '../services.ts';
import { guestHostname, parseZone, textProperties } from './server-create-values.ts';
import { createBodyAt, type CreateBody, type Hints } from './server-create-body.ts';
import { allow, allows, linksOf, requesterOf } from './server-access.ts';

const SERVERS_PER_REQUEST_MAX = 1000;
const BYTES_PER_GIBIBYTE = 1024 ** 3;

interface Destination {
  readonly zone: string | null;
  readonly forced_host: HostName | null;
  readonly requested_host: HostName | null;
}

/**
 * POST /servers. The order of checks is Nova's: body, counts, policies, host, networks, image's form, flavor, zone,
 * image, key, group, quota. 202 as soon as the servers are written down; the scheduler places them.
 */
export function registerServerCreateRoutes(app: FastifyInstance, services: ApiServices): void {
  app.post('/servers', async (request, reply) => {
    const body = validateBody(createBodyAt(request.microversion), request.body);
    const { server } = body;
    const counts = readCounts(server);
    allow(services, request, serverPolicies.create);
    const destination = await readDestination(services, request, server);
    refuseVolumes(server);
    if (server.imageRef === undefined || server.imageRef === '') throw new DroverError('image_missing');
    refuseNetworks(services, request, server);
    const flavor = await findFlavor(services.pool, String(server.flavorRef), request.caller);
    if (flavor === null || flavor.disabled)
      throw new DroverError('requested_flavor_not_found', { flavor: server.flavorRef });
    await checkZone(services, destination);
    const image = await requireImage(services, request, server.imageRef, flavor);
    const hints: Hints = body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'] ?? {};
    await checkKeyAndMetadata(services, request, server);

    const reservation_id = newReservationId();
    const orders = {
      ...(destination.forced_host === null ? {} : { forced_host: destination.forced_host }),
      ...(destination.requested_host === null ? {} : { host: destination.requested_host }),
    };
    const created = await requestCreate(services, requesterOf(request), orders, async (transaction) => {
      const { project_id } = request.caller;
      await lockQuota(transaction, project_id);
      const group = await requireGroupRoom(services, request, transaction, hints, counts.max_count);
      const quota = await readQuota(transaction, project_id, services.configuration.quota);
      const allowed = allowedCount(quota, flavor, counts);
      const plan = { server, flavor, image, hints, group, destination, reservation_id, count: allowed };
      return newInstances(request, plan);
    });
    const [first] = created;
    if (first === undefined) throw new Error('a create request ended without a server');
    reply.code(202);
    if (booleanValue(server.return_reservation_id)) return { reservation_id };
    const links = linksOf(services, request);
    reply.header('location', links.self('servers', first));
    return {
      server: {
        id: first,
        links: links.pair('servers', first),
        'OS-DCF:diskConfig': server['OS-DCF:diskConfig'] ?? 'MANUAL',
        security_groups: securityGroups(server),
        adminPass: server.adminPass ?? newAdminPassword(),
      },
    };
  });
}

function readCounts(server: CreateBody['server']): {
  readonly min_count: number;
  readonly max_count: number;
} {
  const min_count = Number(server.min_count ?? 1);
  const max_count = Number(server.max_count ?? min_count);
  if (min_count > max_count) throw new DroverError('min_count_exceeds_max_count');
  return { min_count, max_count };
}

/** Where the request wants the server: `zone:host:node` (filters skipped) or host and hypervisor_hostname (2.74). */
async function readDestination(
  services: ApiServices,
  request: FastifyRequest,
  server: CreateBody['server'],
): Promise<Destination> {
  const zone = parseZone(server.availability_zone);
  if (zone.host !== null || zone.node !== null) allow(services, request, serverPolicies.create_forced_host);
  const forced_host =
    zone.host !== null
      ? hostName(zone.host)
      : zone.node !== null
        ? await requireHypervisor(services.pool, zone.node)
        : null;
  const { host, hypervisor_hostname } = server;
  if (host === undefined && hypervisor_hostname === undefined)
    return { zone: zone.zone, forced_host, requested_host: null };
  allow(services, request, serverPolicies.create_requested_host);
  if (forced_host !== null) throw new DroverError('destination_mechanisms_exclusive');
  const named = host === undefined ? null : await requireHost(services.pool, host);
  const found =
    hypervisor_hostname === undefined ? named : await requireHypervisor(services.pool, hypervisor_hostname);
  if (named !== null && found !== named)
    throw new DroverError('requested_host_not_found', { host: hypervisor_hostname ?? '' });
  return { zone: zone.zone, forced_host, requested_host: found };
}

/** Only "boot from this image on a local disk" is known, the form that newer clients send beside imageRef. */
function refuseVolumes(server: CreateBody['server']): void {
  if ((server.personality ?? []).length > 0) throw new DroverError('injected_files_unsupported');
  const isPlainBoot = (server.block_device_mapping_v2 ?? []).every(
    (disk) =>
      disk.source_type === 'image' &&
      disk.destination_type === 'local' &&
      Number(disk.boot_index) === 0 &&
      disk.uuid === server.imageRef,
  );
  if (!isPlainBoot || (server.block_device_mapping ?? []).length > 0)
    throw new DroverError('volumes_unsupported');
}

/** There is no network service: `none`, `auto` and an empty list are all it can give. */
function refuseNetworks(services: ApiServices, request: FastifyRequest, server: CreateBody['server']): void {
  if (server.networks === undefined) return;
  allow(services, request, serverPolicies.create_attach_network);
  if (typeof server.networks === 'string') return;
  for (const network of server.networks) {
    if (typeof network.port === 'string') throw new DroverError('port_not_found', { port: network.port });
    throw new DroverError('network_not_found', { network: network.uuid ?? network.fixed_ip ?? '' });
  }
}

async function checkZone(services: ApiServices, destination: Destination): Promise<void> {
  if (destination.zone === null || destination.forced_host !== null) return;
  const { default_availability_zone } = services.configuration.DEFAULT;
  const zones = await listAvailableZones(services.pool, default_availability_zone);
  if (!zones.has(destination.zone)) throw new DroverError('availability_zone_unavailable');
}

/** Formats that hosts make disks of; the others are for other products. */
const bootableFormats: readonly string[] = ['raw', 'qcow2'];

async function requireImage(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
  flavor: FlavorSpec,
): Promise<ImageForServer> {
  const image = await findImage(services.pool, id, request.caller);
  if (image === null) throw new DroverError('requested_image_not_found');
  if (image.status !== 'active') throw new DroverError('image_not_active', { image: id });
  const { disk_format } = image;
  if (disk_format !== null && !bootableFormats.includes(disk_format))
    throw new DroverError('image_unbootable', { image: id, disk_format });
  if (flavor.memory_mb < image.min_ram_mb) throw new DroverError('flavor_memory_too_small');
  if (flavor.root_gb === 0) {
    if (!allows(services, request, serverPolicies.create_zero_disk))
      throw new DroverError('zero_disk_flavor_denied');
    return image;
  }
  const flavor_bytes = flavor.root_gb * BYTES_PER_GIBIBYTE;
  // The guest's disk is as large as what is in the file: a small qcow2 may hold a disk of terabytes.
  const image_bytes = Math.max(image.size_bytes ?? 0, image.virtual_size_bytes ?? 0);
  if (image_bytes > flavor_bytes)
    throw new DroverError('flavor_disk_too_small', { flavor_bytes, image_bytes });
  const minimum_bytes = image.min_disk_gb * BYTES_PER_GIBIBYTE;
  if (minimum_bytes > flavor_bytes)
    throw new DroverError('flavor_disk_below_minimum', { flavor_bytes, minimum_bytes });
  return image;
}

async function checkKeyAndMetadata(
  services: ApiServices,
  request: FastifyRequest,
  server: CreateBody['server'],
): Promise<void> {
  const { pool, configuration } = services;
  const { user_id, project_id } = request.caller;
  const limit = await readLimit(pool, project_id, 'metadata_items', configuration.quota);
  if (limit >= 0 && Object.keys(server.metadata ?? {}).length > limit)
    throw new DroverError('metadata_limit', { limit });
  if (server.key_name !== undefined && !(await hasKeypair(pool, user_id, server.key_name)))
    throw new DroverError('key_name_unknown');
}

async function requireGroupRoom(
  services: ApiServices,
  request: FastifyRequest,
  transaction: Queryable,
  hints: Hints,
  wanted: number,
): Promise<string | null> {
  if (hints.group === undefined) return null;
  const group = await findServerGroup(transaction, hints.group, request.caller);
  if (group === null) throw new DroverError('requested_group_not_found', { group: hints.group });
  const { quota } = services.configuration;
  const limit = await readLimit(transaction, request.caller.project_id, 'server_group_members', quota);
  if (limit >= 0 && group.members + wanted > limit) throw new DroverError('server_group_full');
  return group.uuid;
}

interface InstancePlan {
  readonly server: CreateBody['server'];
  readonly flavor: FlavorSpec;
  readonly image: ImageForServer;
  readonly hints: Hints;
  readonly group: string | null;
  readonly destination: Destination;
  readonly reservation_id: string;
  readonly count: number;
}

/** Rows of the new servers: `name`, or `name-1`, `name-2` … when there are several. */
function newInstances(request: FastifyRequest, plan: InstancePlan): readonly NewInstance[] {
  const { server, count } = plan;
  if (count > SERVERS_PER_REQUEST_MAX)
    throw new DroverError('create_count_limit', { limit: SERVERS_PER_REQUEST_MAX });
  return Array.from({ length: count }, (_unused, index) => {
    const uuid = instanceId(randomUUID());
    const suffix = count === 1 ? '' : `-${index + 1}`;
    const name = `${server.name}${suffix}`;
    return {
      uuid,
      project_id: request.caller.project_id,
      user_id: request.caller.user_id,
      name,
      // below 2.19 the description is the name, as Nova stores it
      description: request.microversion.atLeast(2, 19) ? (server.description ?? null) : server.name,
      hostname: server.hostname === undefined ? guestHostname(name, uuid) : `${server.hostname}${suffix}`,
      reservation_id: plan.reservation_id,
      launch_index: index,
      flavor: plan.flavor,
      image_id: plan.image.id,
      image_properties: textProperties(plan.image.properties),
      metadata: server.metadata ?? {},
      tags: [...new Set(server.tags ?? [])],
      scheduler_hints: plan.hints,
      server_group_uuid: plan.group,
      requested_availability_zone: plan.destination.zone,
      key_name: server.key_name ?? null,
      config_drive: booleanValue(server.config_drive) ? 'True' : '',
      user_data: server.user_data ?? null,
      disk_config: server['OS-DCF:diskConfig'] ?? 'MANUAL',
      access_ip_v4: server.accessIPv4 ?? null,
      access_ip_v6: server.accessIPv6 ?? null,
    };
  });
}

function securityGroups(server: CreateBody['server']): readonly { readonly name: string }[] {
  const names = (server.security_groups ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
  return (names.length === 0 ? ['default'] : [...new Set(names)]).map((name) => ({ name }));
}
