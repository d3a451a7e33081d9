import { describe } from 'vitest';
import { tenantAggregate } from '../../../../../services/scheduler/placement/stages/tenant-aggregate.ts';
import { host, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('tenantAggregate', () => {
  checkFilter(
    tenantAggregate,
    {
      'a project with aggregates uses only these': {
        hosts: [
          host('a').aggregate({ filter_tenant_id: 'p' }),
          host('b'),
          host('c').aggregate({ filter_tenant_id2: 'p' }),
        ],
        passes: ['a', 'c'],
        rejects: { b: 'in no aggregate of project p' },
      },
      'a project without aggregates uses all': {
        hosts: [host('a').aggregate({ filter_tenant_id: 'q' }), host('b')],
        passes: ['a', 'b'],
      },
      'unless one is required': {
        hosts: [host('a').aggregate({ filter_tenant_id: 'q' }), host('b')],
        settings: settings(
          {},
          { scheduler: { ...settings().scheduler, placement_aggregate_required_for_tenants: true } },
        ),
        passes: [],
      },
    },
    false,
  );
});
