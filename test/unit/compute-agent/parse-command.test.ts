import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../services/compute-agent/commands/parse-command.ts';
import { newMigrationId, sampleCommand, sampleImage, sampleSpec } from './samples.ts';

const spec = sampleSpec();
const spawn = sampleCommand('spawn', { spec }, { instance_id: spec.id });
const migration_id = newMigrationId();
const disk = {
  name: 'disk',
  format: 'raw',
  virtual_size_bytes: 1,
  file_size_bytes: 1,
  allocated_bytes: 1,
  backing: null,
} as const;
const verify = sampleCommand('verify', { disks: [disk] }, { migration_id });

describe('accepted', () => {
  test.each([
    ['spawn', spawn],
    ['spawn from an image', { ...spawn, arguments: { spec: { ...spec, image: sampleImage() } } }],
    ['verify', verify],
    ['members that are not known yet', { ...spawn, colour: 'green', arguments: { spec, colour: 'green' } }],
  ])('%s', (_, message) => {
    expect(parseCommand(message)).toEqual({ type: 'command', message });
  });
});

describe('refused with the place of the mistake', () => {
  const withDisk = (change: object) => ({ ...verify, arguments: { disks: [{ ...disk, ...change }] } });
  const withImage = (change: object) => ({
    ...spawn,
    arguments: { spec: { ...spec, image: { ...sampleImage(), ...change } } },
  });
  test.each([
    ['arguments of another command', { ...spawn, arguments: {} }, /spec/],
    ['a disk name that is a path', withDisk({ name: '../../etc/passwd' }), /disks\/0\/name/],
    ['a disk name that is hidden', withDisk({ name: '.journal' }), /disks\/0\/name/],
    ["the agent's own file as a disk", withDisk({ name: 'drover.json' }), /disks\/0\/name/],
    ['a negative size', withDisk({ allocated_bytes: -1 }), /allocated_bytes/],
    ['a digest that is a path', withImage({ sha512: '../x' }), /sha512/],
    ['a ticket with a line break', withImage({ ticket: 'a\r\nX-Other: b' }), /ticket/],
    ['a file as image URL', withImage({ url: 'file:///etc/passwd' }), /url/],
    ['no migration', { ...verify, migration_id: null }, /migration_id/],
    ['a deadline that is no time', { ...spawn, deadline_at: 'soon' }, /deadline_at/],
    ["another instance's spec", { ...spawn, instance_id: verify.instance_id }, /spec is of instance/],
  ])('%s', (_, message, reason) => {
    expect(parseCommand(message)).toMatchObject({ type: 'refused', reason: expect.stringMatching(reason) });
  });
});

test.each([
  ['nothing', undefined],
  ['a text', 'power_on'],
  ['an instance id that is a path', { ...spawn, instance_id: '../../etc' }],
  ['an unknown command', { ...spawn, command: 'format_disk' }],
  ['a command named like a member of every object', { ...spawn, command: 'constructor' }],
])('unreadable: %s', (_, message) => {
  expect(parseCommand(message).type).toBe('unreadable');
});

test('nothing that JSON can say makes it throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(spawn)), (value, member) => {
      parseCommand(value);
      expect(() => parseCommand({ ...spawn, [member]: value })).not.toThrow();
      expect(() => parseCommand({ ...spawn, arguments: { spec: value } })).not.toThrow();
    }),
    { numRuns: 300 },
  );
});
