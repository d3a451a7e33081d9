import type { Filter } from './filter.ts';

const reasons = [
  { code: 'isolated_host', message: 'is kept for isolated images' },
  { code: 'not_isolated', message: 'is not among the hosts kept for isolated images' },
];

/**
 * Images in `isolated_images` run on `isolated_hosts` only; with `restrict_isolated_hosts_to_isolated_images` these
 * hosts run nothing else.
 */
export const IsolatedHostsFilter: Filter = {
  name: 'IsolatedHostsFilter',
  prepare: ({ request, settings }) => {
    const { isolated_hosts, isolated_images, restrict_isolated_hosts_to_isolated_images } =
      settings.filter_scheduler;
    const image_isolated = request.image_id !== null && isolated_images.includes(request.image_id);
    if (!image_isolated && !restrict_isolated_hosts_to_isolated_images) return null;
    return {
      reads: 'columns',
      bind: (columns) => {
        const isolated = new Set<number | undefined>(isolated_hosts.map((name) => columns.rowOf(name)));
        return {
          reasons,
          reason: (row) => {
            if (image_isolated) return isolated.has(row) ? -1 : 1;
            return isolated.has(row) ? 0 : -1;
          },
          available: () => undefined,
        };
      },
    };
  },
};
