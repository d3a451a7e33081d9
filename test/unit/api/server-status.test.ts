import { describe, expect, it } from 'vitest';
import { taskStates, vmStates, type TaskState, type VmState } from '../../../shared/domain/states.ts';
import {
  serverStatus,
  showsFault,
  showsProgress,
  statesOfStatuses,
} from '../../../services/api/views/server-status.ts';

describe('status of a server', () => {
  const exceptions: readonly (readonly [VmState, TaskState, string])[] = [
    ['active', 'resize_prep', 'RESIZE'],
    ['active', 'resize_migrating', 'RESIZE'],
    ['active', 'resize_migrated', 'RESIZE'],
    ['active', 'resize_finish', 'RESIZE'],
    ['active', 'rebooting', 'REBOOT'],
    ['active', 'rebooting_hard', 'HARD_REBOOT'],
    ['stopped', 'resize_prep', 'RESIZE'],
    ['stopped', 'resize_migrating', 'RESIZE'],
    ['stopped', 'resize_migrated', 'RESIZE'],
    ['stopped', 'resize_finish', 'RESIZE'],
    ['resized', 'resize_reverting', 'REVERT_RESIZE'],
  ];
  const defaults: Readonly<Record<VmState, string>> = {
    active: 'ACTIVE',
    building: 'BUILD',
    stopped: 'SHUTOFF',
    resized: 'VERIFY_RESIZE',
    paused: 'PAUSED',
    suspended: 'SUSPENDED',
    error: 'ERROR',
    deleted: 'DELETED',
  };

  it.each(exceptions)('%s with %s is %s', (vmState, task, status) => {
    expect(serverStatus(vmState, task)).toBe(status);
  });

  it('does not depend on any other task', () => {
    for (const vmState of vmStates)
      for (const task of [null, ...taskStates])
        if (!exceptions.some(([vm, other]) => vm === vmState && other === task))
          expect([vmState, task, serverStatus(vmState, task)]).toEqual([vmState, task, defaults[vmState]]);
  });

  it('is DELETED for every row that is marked so', () => {
    for (const vmState of vmStates) expect(serverStatus(vmState, 'deleting', true)).toBe('DELETED');
  });

  it('decides about progress and fault', () => {
    const all = [
      'ACTIVE',
      'BUILD',
      'RESIZE',
      'VERIFY_RESIZE',
      'SHUTOFF',
      'ERROR',
      'DELETED',
      'REVERT_RESIZE',
    ];
    expect(all.filter(showsProgress)).toEqual(['ACTIVE', 'BUILD', 'RESIZE', 'VERIFY_RESIZE']);
    expect(all.filter(showsFault)).toEqual(['ERROR', 'DELETED']);
  });
});

describe('status filter', () => {
  it.each([
    [['ACTIVE'], { vm_states: ['active'], task_states: null }],
    [['shutoff'], { vm_states: ['stopped'], task_states: null }],
    [['ACTIVE', 'SHUTOFF'], { vm_states: ['active', 'stopped'], task_states: null }],
    [
      ['RESIZE'],
      {
        vm_states: ['active', 'stopped'],
        task_states: ['resize_prep', 'resize_migrating', 'resize_migrated', 'resize_finish'],
      },
    ],
    [['REVERT_RESIZE'], { vm_states: ['resized'], task_states: ['resize_reverting'] }],
    [['DELETED'], { vm_states: ['deleted'], task_states: null }],
    [['SHELVED'], { vm_states: [], task_states: null }],
    [['BOGUS'], null],
  ])('%j', (statuses, filter) => {
    expect(statesOfStatuses(statuses)).toEqual(filter);
  });
});
