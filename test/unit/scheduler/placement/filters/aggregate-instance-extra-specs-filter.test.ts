import { describe } from 'vitest';
import { AggregateInstanceExtraSpecsFilter } from '../../../../../services/scheduler/placement/filters/aggregate-instance-extra-specs-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('AggregateInstanceExtraSpecsFilter', () => {
  checkFilter(AggregateInstanceExtraSpecsFilter, {
    'a flavor without extra specs passes': { hosts: [host('a')], passes: ['a'] },
    'wants the value in an aggregate': {
      hosts: [host('a').aggregate({ ssd: 'true' }), host('b').aggregate({ ssd: 'false' }), host('c')],
      request: request().spec('aggregate_instance_extra_specs:ssd', 'true'),
      passes: ['a'],
      rejects: { b: 'its aggregates have ssd=false, asked for true', c: 'is in no aggregate with ssd' },
    },
    'a key without a scope counts too': {
      hosts: [host('a').aggregate({ ssd: 'true' }), host('b')],
      request: request().spec('ssd', 'true'),
      passes: ['a'],
    },
    'another scope does not': {
      hosts: [host('a')],
      request: request().spec('hw:cpu_policy', 'dedicated'),
      passes: ['a'],
    },
    'one of a list in the metadata is enough': {
      hosts: [host('a').aggregate({ model: 'x, y' })],
      request: request().spec('model', 'y'),
      passes: ['a'],
    },
    'one of several aggregates is enough': {
      hosts: [host('a').aggregate({ tier: '1' }).aggregate({ tier: '9' })],
      request: request().spec('tier', '>= 5'),
      passes: ['a'],
    },
    'every key must match': {
      hosts: [host('a').aggregate({ ssd: 'true' })],
      request: request().spec('ssd', 'true').spec('gpu', 'true'),
      passes: [],
    },
  });
});
