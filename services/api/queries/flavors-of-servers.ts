import type { Queryable } from '../../../shared/database/connect.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { Visibility } from './server-row.ts';

/** The flavor with this flavorid, if the caller may use it: public, or his project has access, or he is an administrator. */
export async function findFlavor(
  database: Queryable,
  flavorId: string,
  visibility: Visibility,
): Promise<FlavorSpec | null> {
  const { rows } = await database.query<FlavorSpec>(
    `select id, flavor_id, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap_mb, rxtx_factor, is_public, disabled,
            description, extra_specs
     from flavors f
     where flavor_id = $1
       and (is_public or $2 or exists (
         select from flavor_projects a where a.flavor_id = f.id and a.project_id = $3))`,
    [flavorId, visibility.is_admin, visibility.project_id],
  );
  return rows[0] ?? null;
}
