import { pass, reject, type Filter } from '../filters/filter.ts';

const prefix = 'trait:';

/**
 * Nova's pre-filter `isolate_aggregates`: an aggregate with `trait:NAME=required` takes only servers whose flavor or
 * image requires that trait too.
 */
export const isolatedAggregates: Filter = {
  name: 'IsolatedAggregates',
  prepare: ({ request }) => {
    const required = new Set(
      [...Object.entries(request.flavor.extra_specs), ...Object.entries(request.image_properties)]
        .filter(([key, value]) => key.startsWith(prefix) && value === 'required')
        .map(([key]) => key),
    );
    return {
      reads: 'class',
      check: ({ aggregates }) => {
        for (const { name, metadata } of aggregates) {
          const kept_for = Object.entries(metadata).find(
            ([key, value]) => key.startsWith(prefix) && value === 'required' && !required.has(key),
          );
          if (kept_for !== undefined) {
            return reject(
              'isolated_aggregate',
              `aggregate ${name} is kept for servers that require {available}`,
              {
                available: kept_for[0].slice(prefix.length),
              },
            );
          }
        }
        return pass;
      },
    };
  },
};
