import { aggregateListValues } from './aggregate-metadata.ts';
import { satisfies } from './extra-spec-operators.ts';
import { oncePer, pass, reject, type Filter } from './filter.ts';

const scope = 'aggregate_instance_extra_specs:';

/**
 * Each extra spec with the scope `aggregate_instance_extra_specs:` or without any must match one of the values that
 * the host's aggregates name under that key. A key that no aggregate of the host has rejects the host.
 */
export const AggregateInstanceExtraSpecsFilter: Filter = {
  name: 'AggregateInstanceExtraSpecsFilter',
  prepare: ({ request }) => {
    const wanted = Object.entries(request.flavor.extra_specs).flatMap(([key, spec]) => {
      if (key.startsWith(scope)) return [{ key: key.slice(scope.length), spec }];
      return key.includes(':') ? [] : [{ key, spec }];
    });
    if (wanted.length === 0) return null;
    return {
      reads: 'class',
      check: oncePer(
        (host) => host.aggregates,
        (host) => {
          for (const { key, spec } of wanted) {
            const values = aggregateListValues(host, key);
            if (values.length === 0) {
              return reject('aggregate_key_missing', `is in no aggregate with ${key}, asked for {asked}`, {
                asked: spec,
              });
            }
            if (!values.some((value) => satisfies(value, spec))) {
              return reject(
                'aggregate_mismatch',
                `its aggregates have ${key}={available}, asked for {asked}`,
                {
                  asked: spec,
                  available: values.join(', '),
                },
              );
            }
          }
          return pass;
        },
      ),
    };
  },
};
