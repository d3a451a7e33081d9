import { describe, expect, test } from 'vitest';
import { parseGroup, parseVolumes } from '../../../../services/compute-agent/volumes/lvm-report.ts';

/** As LVM2 2.03.16 printed it. */
const vgs = `  {
      "report": [
          {
              "vg": [
                  {"vg_size":"62914560", "vg_free":"46137344", "vg_extent_size":"4194304"}
              ]
          }
      ]
  }
`;
const lvs = `  {
      "report": [
          {
              "lv": [
                  {"lv_name":"11111111-2222-4333-8444-555555555555_disk.config", "lv_size":"8388608", "lv_tags":"drover.compute-1,gold", "lv_path":"/dev/instances/11111111-2222-4333-8444-555555555555_disk.config"},
                  {"lv_name":"root", "lv_size":"9007199254740991", "lv_tags":"", "lv_path":"/dev/instances/root"}
              ]
          }
      ]
  }
`;

test('a group: its size, what is free of it, and its extents, in bytes', () => {
  expect(parseGroup(vgs)).toEqual({ size_bytes: 62914560, free_bytes: 46137344, extent_bytes: 4194304 });
});

test('volumes with all their tags, or none', () => {
  expect(parseVolumes(lvs)).toEqual([
    {
      name: '11111111-2222-4333-8444-555555555555_disk.config',
      size_bytes: 8388608,
      tags: ['drover.compute-1', 'gold'],
      path: '/dev/instances/11111111-2222-4333-8444-555555555555_disk.config',
    },
    { name: 'root', size_bytes: Number.MAX_SAFE_INTEGER, tags: [], path: '/dev/instances/root' },
  ]);
});

test('a group without volumes', () => {
  expect(parseVolumes('{"report": [{"lv": [ ]}]}')).toEqual([]);
});

describe('what is no report is no empty report', () => {
  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['no report', '{}'],
    ['a report of something else', '{"report": [{"pv": []}]}'],
    [
      'a volume without tags',
      '{"report": [{"lv": [{"lv_name": "a", "lv_size": "1", "lv_path": "/dev/a"}]}]}',
    ],
    [
      'a size with a unit',
      '{"report": [{"lv": [{"lv_name": "a", "lv_size": "1.00g", "lv_tags": "", "lv_path": "/dev/a"}]}]}',
    ],
    [
      'a size that no number holds',
      '{"report": [{"lv": [{"lv_name": "a", "lv_size": "9007199254740993", "lv_tags": "", "lv_path": "/dev/a"}]}]}',
    ],
  ])('%s', (_, output) => {
    expect(() => parseVolumes(output)).toThrow();
  });

  test('a group that is not named', () => {
    expect(() => parseGroup('{"report": [{"vg": []}]}')).toThrow('it names no group');
  });
});
