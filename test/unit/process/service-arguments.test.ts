import { expect, test } from 'vitest';
import { readServiceArguments } from '../../../shared/process/service-arguments.ts';

test.each([
  [[], {}, { config_files: [], ready_file: null }],
  [['--config-file', 'a', '--config-file=b'], {}, { config_files: ['a', 'b'], ready_file: null }],
  [[], { DROVER_CONFIG: 'a:b', DROVER_READY_FILE: 'r' }, { config_files: ['a', 'b'], ready_file: 'r' }],
  [
    ['--config-file', 'c', '--ready-file', 's'],
    { DROVER_CONFIG: 'a', DROVER_READY_FILE: 'r' },
    { config_files: ['c'], ready_file: 's' },
  ],
])('%j %j', (argv, environment, expected) => {
  expect(readServiceArguments(argv, environment)).toEqual(expected);
});

test.each([[['--wrong']], [['positional']], [['--config-file']]])('%j is refused', (argv) => {
  expect(() => readServiceArguments(argv, {})).toThrow(TypeError);
});
