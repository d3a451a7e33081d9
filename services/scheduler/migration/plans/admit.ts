import { unwindEpoch } from '../epochs.ts';
import type { OperationFacts, Settings, World } from '../model.ts';
import { command, fact, type CommandOrder, type Step } from '../step.ts';

/** What the target takes on: before the move, and once more when the files that its disks stand on are not what was agreed. */

const order = (world: World, settings: Settings): CommandOrder =>
  command({
    host: fact(world, 'choose').host,
    command: 'admit',
    arguments: {
      spec: world.spec,
      disks: fact(world, 'survey').disks,
      public_key: fact(world, 'survey').public_key,
      source_address: fact(world, 'survey').source_address,
      expires_in_seconds: settings.key_lifetime_seconds,
    },
    epoch: world.instance.epoch,
    timing: 'fetch',
  });

export const admit: Step = {
  name: 'admit',
  phase: 'admit',
  closes: ['compute_prep_resize'],
  on_refusal: 'choose_again',
  action: { type: 'command', order },
  undo: {
    type: 'command',
    // Owed: a target that is gone must not keep the guest from being given back.
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'unadmit',
        arguments: {},
        epoch: unwindEpoch(world),
        timing: 'owed',
      }),
  },
};

/**
 * Not the same step again: from there it would be unwound, and what has been done since would not be taken back. So it has a
 * place of its own behind each that must be undone, and what it says takes the place of what was said before.
 */
const again = (
  name: 'admit-running' | 'admit-again',
  found_by: readonly NonNullable<OperationFacts['changed_below']>[],
): Step => ({
  name,
  phase: 'admit',
  skip: ({ operation: { facts } }) =>
    facts.changed_below === undefined || !found_by.includes(facts.changed_below),
  action: {
    type: 'command',
    order,
    done: (draft) => {
      draft.addFacts({ admit: fact(draft, name) });
      return undefined;
    },
  },
  undo: { type: 'none', because: 'undoing admit takes back all that was admitted' },
});

/** While the guest runs. */
export const admitRunning = again('admit-running', ['precopy']);
/** While it is off. */
export const admitAgain = again('admit-again', ['copy', 'verify']);
