import { describe } from 'vitest';
import { capacity } from '../../../../../services/scheduler/placement/stages/capacity.ts';
import { host, request } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('capacity', () => {
  checkFilter(
    capacity,
    {
      'used + asked ≤ (total − reserved) × ratio': {
        hosts: [
          host('just').memory({ total: 4096, reserved: 1024, allocation_ratio: 1.5, used: 2560 }),
          host('short').memory({ total: 4096, reserved: 1024, allocation_ratio: 1.5, used: 2561 }),
        ],
        passes: ['just'],
        rejects: { short: 'short of 1 MB' },
      },
      'one server may not have more than max_unit': {
        hosts: [host('a').vcpu({ allocation_ratio: 16, max_unit: 1 })],
        passes: [],
        rejects: { a: 'gives one server at most 1 VCPU, asked for 2' },
      },
      'the first class that is short gives the reason': {
        hosts: [host('a').vcpu({ used: 15 }).disk({ used: 1000 })],
        passes: [],
        rejects: { a: 'short of 1 VCPU' },
      },
      'custom classes': {
        hosts: [
          host('a'),
          host('b').inventory('CUSTOM_FPGA', { total: 1 }),
          host('c').inventory('CUSTOM_FPGA', { total: 2 }),
        ],
        request: request().spec('resources:CUSTOM_FPGA', '2'),
        passes: ['c'],
        rejects: { a: 'short of 2 CUSTOM_FPGA', b: 'short of 1 CUSTOM_FPGA' },
      },
      'a class that no host has': {
        hosts: [host('a')],
        request: request().spec('resources:CUSTOM_NONE', '1'),
        passes: [],
      },
    },
    false,
  );
});
