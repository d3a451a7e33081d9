import { describe } from 'vitest';
import { JsonFilter } from '../../../../../services/scheduler/placement/filters/json-filter.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('JsonFilter', () => {
  checkFilter(JsonFilter, {
    'without the hint all pass': { hosts: [host('a')], passes: ['a'] },
    'compares an attribute': {
      hosts: [host('a').memory({ used: 65_000 }), host('b')],
      request: request().hint('query', '[">=", "$free_ram_mb", 1024]'),
      passes: ['b'],
      rejects: { a: 'does not satisfy' },
    },
    'and, or, not, in': {
      hosts: [host('a').instance('1'), host('b'), host('c').down()],
      request: request().hint(
        'query',
        '["and", ["or", ["in", "$host", "a", "b"], ["=", 1, 2]], ["not", ["<", "$num_instances", 1]]]',
      ),
      passes: ['a'],
    },
    'compares the first with all others': {
      hosts: [host('a').vcpu({ total: 8 })],
      request: request().hint('query', '["<", "$vcpus_total", 16, 12]'),
      passes: ['a'],
    },
    'walks into cpu_info': {
      hosts: [host('a').with({ cpu_info: { model: 'new' } }), host('b')],
      request: request().hint('query', '["=", "$cpu_info.model", "new"]'),
      passes: ['a'],
    },
    'one operand alone is false': {
      hosts: [host('a')],
      request: request().hint('query', '["=", 1]'),
      passes: [],
    },
    'an operand that the host lacks is left out': {
      hosts: [host('a')],
      request: request().hint('query', '["=", "$nothing", 1]'),
      passes: [],
    },
    'an unreadable query says so': {
      hosts: [host('a')],
      request: request().hint('query', 'free_ram'),
      passes: [],
      rejects: { a: 'it is not a JSON list' },
    },
    'an unknown operator says so': {
      hosts: [host('a')],
      request: request().hint('query', '["xor", 1, 2]'),
      passes: [],
      rejects: { a: '"xor" is not one of' },
    },
    'a property of Object is no operator': {
      hosts: [host('a')],
      request: request().hint('query', '["constructor", 1, 2]'),
      passes: [],
      rejects: { a: 'is not one of' },
    },
  });
});
