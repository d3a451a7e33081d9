import { pass, reject, type Filter } from './filter.ts';
import { serversOfHint } from './hints.ts';

/** None of the servers in the hint `different_host` is on the host. */
export const DifferentHostFilter: Filter = {
  name: 'DifferentHostFilter',
  prepare: ({ request }) => {
    const avoided = serversOfHint(request, 'different_host');
    if (avoided.length === 0) return null;
    return {
      reads: 'host',
      check: (host) => {
        const found = avoided.find((id) => host.instances.has(id));
        return found === undefined
          ? pass
          : reject('holds_avoided_server', 'holds server {available}, which the hint different_host avoids', {
              available: found,
            });
      },
    };
  },
};
