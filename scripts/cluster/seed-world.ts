import { bootstrapIdentity } from '../../services/api/identity/bootstrap.ts';
import { inTransaction, type Pool } from '../../shared/database/connect.ts';
import { PASSWORD_HASH_COST } from './configuration-files.ts';
import type { World } from './world.ts';

/**
 * Writes a world's users, projects, roles, flavors and catalog into an empty database. What is there already
 * stays as it is.
 */
export async function seedWorld(pool: Pool, world: World, api_url: string): Promise<void> {
  await bootstrapIdentity(pool, {
    roles: world.roles,
    projects: world.projects,
    users: world.users,
    assignments: world.users.flatMap(({ name, roles }) => roles.map((role) => ({ user: name, ...role }))),
    region: world.region,
    urls: {
      identity: `${api_url}/identity/v3`,
      compute: `${api_url}/compute/v2.1`,
      image: `${api_url}/image`,
      drover: `${api_url}/drover/v1`,
    },
    password_hash_cost: PASSWORD_HASH_COST,
  });
  await seedFlavors(pool, world);
}

async function seedFlavors(database: Pool, world: World): Promise<void> {
  for (const flavor of world.flavors)
    await database.query(
      `insert into flavors (flavor_id, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap_mb, is_public, extra_specs)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
      [
        flavor.id,
        flavor.name,
        flavor.vcpus,
        flavor.memory_mb,
        flavor.root_gb,
        flavor.ephemeral_gb,
        flavor.swap_mb,
        flavor.is_public,
        JSON.stringify(flavor.extra_specs),
      ],
    );
}

/** Puts hosts that the world has in other zones than the default one into aggregates of these zones. */
export async function seedZones(pool: Pool, world: World): Promise<void> {
  const zoned = world.hosts.filter((host) => host.zone !== 'nova');
  for (const zone of new Set(zoned.map((host) => host.zone)))
    await inTransaction(pool, async (database) => {
      await database.query(
        `insert into aggregates (name, metadata) values ($1::text, jsonb_build_object('availability_zone', $1::text))
         on conflict (name) do nothing`,
        [zone],
      );
      await database.query(
        `insert into aggregate_hosts (aggregate_id, host_id)
         select aggregates.id, hosts.id from aggregates, hosts where aggregates.name = $1 and hosts.name = any ($2)
         on conflict do nothing`,
        [zone, zoned.filter((host) => host.zone === zone).map((host) => host.name)],
      );
    });
}
