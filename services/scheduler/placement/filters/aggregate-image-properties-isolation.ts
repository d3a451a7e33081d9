import { aggregateListValues } from './aggregate-metadata.ts';
import { oncePer, pass, reject, type Filter } from './filter.ts';

/**
 * A key in the metadata of the host's aggregates that the image has as a property too must list the image's value.
 * With `aggregate_image_properties_isolation_namespace` only keys with that prefix count.
 */
export const AggregateImagePropertiesIsolation: Filter = {
  name: 'AggregateImagePropertiesIsolation',
  prepare: ({ request, settings }) => {
    const namespace = settings.filter_scheduler.aggregate_image_properties_isolation_namespace;
    const separator = settings.filter_scheduler.aggregate_image_properties_isolation_separator;
    const prefix = namespace === null || namespace === '' ? '' : namespace + separator;
    const properties = Object.entries(request.image_properties).filter(
      ([key, value]) => key.startsWith(prefix) && value !== '',
    );
    if (properties.length === 0) return null;
    return {
      reads: 'class',
      check: oncePer(
        (host) => host.aggregates,
        (host) => {
          for (const [key, value] of properties) {
            const allowed = aggregateListValues(host, key);
            if (allowed.length > 0 && !allowed.includes(value)) {
              return reject(
                'image_not_allowed',
                `its aggregates want ${key}={available}, the image has {asked}`,
                {
                  asked: value,
                  available: allowed.join(', '),
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
