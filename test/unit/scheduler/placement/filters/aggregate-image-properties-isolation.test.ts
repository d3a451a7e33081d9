import { describe } from 'vitest';
import { AggregateImagePropertiesIsolation } from '../../../../../services/scheduler/placement/filters/aggregate-image-properties-isolation.ts';
import { host, request, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AggregateImagePropertiesIsolation', () => {
  checkFilter(AggregateImagePropertiesIsolation, {
    'an image without properties passes': { hosts: [host('a').aggregate({ os: 'linux' })], passes: ['a'] },
    'a listed value passes, another does not': {
      hosts: [host('a').aggregate({ os: 'linux, bsd' }), host('b').aggregate({ os: 'windows' }), host('c')],
      request: request().image({ os: 'linux' }),
      passes: ['a', 'c'],
      rejects: { b: 'want os=windows, the image has linux' },
    },
    'a key that the image lacks does not matter': {
      hosts: [host('a').aggregate({ os: 'linux' })],
      request: request().image({ other: '1' }),
      passes: ['a'],
    },
    'a namespace leaves out all other keys': {
      hosts: [host('a').aggregate({ 'iso.os': 'windows', os: 'windows' })],
      request: request().image({ os: 'linux' }),
      settings: settings({ aggregate_image_properties_isolation_namespace: 'iso' }),
      passes: ['a'],
    },
    'and counts its own': {
      hosts: [host('a').aggregate({ 'iso:os': 'windows' })],
      request: request().image({ 'iso:os': 'linux' }),
      settings: settings({
        aggregate_image_properties_isolation_namespace: 'iso',
        aggregate_image_properties_isolation_separator: ':',
      }),
      passes: [],
    },
  });
});
