import { pass, reject, type Filter } from './filter.ts';
import { serversOfHint } from './hints.ts';

/** At least one of the servers in the hint `same_host` is on the host. */
export const SameHostFilter: Filter = {
  name: 'SameHostFilter',
  prepare: ({ request }) => {
    const wanted = serversOfHint(request, 'same_host');
    if (wanted.length === 0) return null;
    const asked = wanted.join(', ');
    return {
      reads: 'host',
      check: (host) =>
        wanted.some((id) => host.instances.has(id))
          ? pass
          : reject('wanted_server_elsewhere', 'holds none of the servers of the hint same_host: {asked}', {
              asked,
            }),
    };
  },
};
