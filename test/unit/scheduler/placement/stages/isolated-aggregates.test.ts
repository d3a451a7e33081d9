import { describe } from 'vitest';
import { isolatedAggregates } from '../../../../../services/scheduler/placement/stages/isolated-aggregates.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('isolatedAggregates', () => {
  checkFilter(
    isolatedAggregates,
    {
      'only servers with the trait may use the aggregate': {
        hosts: [host('a').aggregate({ 'trait:CUSTOM_WINDOWS': 'required' }), host('b')],
        passes: ['b'],
        rejects: { a: 'aggregate aggregate-1 is kept for servers that require CUSTOM_WINDOWS' },
      },
      'the flavor requires it': {
        hosts: [host('a').aggregate({ 'trait:CUSTOM_WINDOWS': 'required' })],
        request: request().spec('trait:CUSTOM_WINDOWS', 'required'),
        passes: ['a'],
      },
      'the image requires it': {
        hosts: [host('a').aggregate({ 'trait:CUSTOM_WINDOWS': 'required' })],
        request: request().image({ 'trait:CUSTOM_WINDOWS': 'required' }),
        passes: ['a'],
      },
    },
    false,
  );
});
