import { PowerState } from '../../../../shared/domain/states.ts';
import type { ChangedBelow, DamagedBelow, DamagedExtent } from '../../../../shared/messaging/commands.ts';
import { differingDisk } from '../digests.ts';
import type { Draft } from '../draft.ts';
import { unwindEpoch } from '../epochs.ts';
import type { OperationFacts, Reason, Settings, World } from '../model.ts';
import { command, fact, homeOf, type GoBack, type Step, type Undo } from '../step.ts';
import { transferDisks } from './prepare.ts';

/** The steps of a move in which bytes travel, and the look at what has arrived. */

/** Before `stop` is undone: no mover may read a disk that a guest writes again. Undoes `connect` as well: its mover waits. */
export const abortCopy: Undo = {
  type: 'command',
  order: (world) =>
    command({
      host: homeOf(world),
      command: 'abort_copy',
      arguments: {},
      epoch: unwindEpoch(world),
      timing: 'short',
    }),
};

const limitOf = ({ operation }: World, settings: Settings): number =>
  operation.request.limit_bytes_per_second ?? settings.migration_limit_bytes_per_second;

/**
 * Not in Nova: the disks travel while the guest runs, round after round, until what is left fits the downtime that was
 * granted. It is stopped in any case then: one that writes faster than the line is off for longer, and the record says so.
 */
export const precopy: Step = {
  name: 'precopy',
  phase: 'pre-copy',
  skip: (world) => world.operation.request.mode !== 'warm' || !wasRunning(world),
  action: {
    type: 'command',
    order: (world, settings) =>
      command({
        host: homeOf(world),
        command: 'precopy',
        arguments: {
          endpoint: fact(world, 'admit').endpoint,
          disks: transferDisks(world),
          limit_bytes_per_second: limitOf(world, settings),
          paused: world.operation.paused,
          downtime_budget_seconds:
            world.operation.request.downtime_budget_seconds ?? settings.downtime_budget_seconds,
          prepare_bytes: fact(world, 'admit').prepare_bytes ?? 0,
          // Ordered again when what the disks stand on was agreed anew: that has to be sent while the guest runs.
          rounds_seen: world.operation.facts.precopy?.rounds.length ?? 0,
          tells_changes: maySendAgain(world),
        },
        epoch: world.instance.epoch,
        timing: 'long',
      }),
    done: (draft) => {
      const { rounds, predicted_downtime_seconds, ended, changed } = fact(draft, 'precopy');
      draft.setMigration({ rounds, predicted_downtime_seconds, precopy_ended: ended });
      return changed === undefined ? undefined : agreeAnew(draft, 'precopy', changed);
    },
  },
  undo: abortCopy,
};

export const copy: Step = {
  name: 'copy',
  phase: 'copy',
  action: {
    type: 'command',
    order: (world, settings) =>
      command({
        host: homeOf(world),
        command: 'copy',
        arguments: {
          endpoint: fact(world, 'admit').endpoint,
          disks: transferDisks(world),
          limit_bytes_per_second: limitOf(world, settings),
          paused: world.operation.paused,
          after_precopy: world.operation.facts.precopy !== undefined,
          tells_changes: maySendAgain(world),
        },
        epoch: world.instance.epoch,
        timing: 'long',
      }),
    done: (draft) => {
      const { digests, changed } = fact(draft, 'copy');
      draft.setMigration({ digests: { source: digests }, ...copiedBytes(draft) });
      return changed === undefined ? undefined : agreeAnew(draft, 'copy', changed);
    },
  },
  undo: abortCopy,
};

/** What has travelled so far, over the rounds and copies of this operation. */
function copiedBytes(draft: Draft): NonNullable<OperationFacts['resend']> {
  const { resend, precopy: before } = draft.operation.facts;
  const { sent_bytes, skipped_bytes, resent_bytes, total } = fact(draft, 'copy');
  const rounds = before?.rounds ?? [];
  const earlier = resend ?? {
    sent_bytes: rounds.reduce((sum, round) => sum + round.sent_bytes, 0),
    resent_bytes: rounds.reduce((sum, round) => sum + round.resent_bytes, 0),
  };
  // The agent knows of senders that have died and of rounds that came to nothing, as long as it lives itself.
  const all_sent_bytes = Math.max(earlier.sent_bytes + sent_bytes, total?.sent_bytes ?? 0);
  const all_resent_bytes = Math.max(earlier.resent_bytes + resent_bytes, total?.resent_bytes ?? 0);
  if (resend === undefined) {
    return {
      sent_bytes: all_sent_bytes,
      // Later rounds skip what the first one has sent: only it says how much of the disks is holes and zeros.
      skipped_bytes: rounds[0]?.skipped_bytes ?? skipped_bytes,
      resent_bytes: all_resent_bytes,
    };
  }
  return {
    sent_bytes: all_sent_bytes,
    // The second copy skips nearly everything: that is not news about the disks.
    skipped_bytes: resend.skipped_bytes,
    // All that it sends was sent before.
    resent_bytes: Math.max(all_resent_bytes, resend.resent_bytes + all_sent_bytes - resend.sent_bytes),
  };
}

export const verify: Step = {
  name: 'verify',
  phase: 'verify',
  gives_turn_back: true,
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'verify',
        arguments: { disks: transferDisks(world), tells_changes: maySendAgain(world) },
        epoch: world.instance.epoch,
        timing: 'long',
      }),
    done: (draft) => {
      const source = fact(draft, 'copy').digests;
      const { digests: target, damaged = [], damaged_count = 0, changed } = fact(draft, 'verify');
      // Before any disk was read.
      if (changed?.again === 'admit') return mendBelow(draft, changed);
      draft.setMigration({ digests: { source, target } });
      const difference = differingDisk(source, target);
      if (difference === null) return changed === undefined ? undefined : mendBelow(draft, changed);
      const [first] = damaged;
      const { changed_below } = draft.operation.facts;
      const is_second = !maySendAgain(draft);
      if (first !== undefined && !is_second) return sendAgain(draft, first, damaged_count);
      const { host } = fact(draft, 'choose');
      const where = first === undefined ? difference : describeDamage(first, damaged_count, host);
      return {
        code: 'mover_digest_mismatch',
        message:
          `${where}${is_second ? ` It was sent again once${changed_below === undefined ? ' and was damaged again' : ', for another reason'}.` : ''} ` +
          `The copy on ${host} was given up; the source's disks are untouched.`,
      };
    },
  },
  undo: { type: 'none', because: 'it only reads; undoing admit ends a reading that still runs' },
};

/** The target has forgotten what was damaged, so a copy sends that and nothing else. Once: then it is no accident. */
function sendAgain(draft: Draft, first: DamagedExtent, damaged_count: number): GoBack {
  draft.addFacts({ resend: copiedBytes(draft) });
  return {
    again: 'copy',
    because: `${describeDamage(first, damaged_count, fact(draft, 'choose').host)} It is sent again.`,
  };
}

const describeDamage = (first: DamagedExtent, count: number, host: string): string =>
  `Disk ${first.disk} is damaged on ${host}: the ${first.length_bytes} bytes at offset ${first.offset_bytes} are not ` +
  `what was sent${count > 1 ? `, and ${count - 1} more extents are not` : ''}.`;

/**
 * Once, whatever is found first. What tells of a change when it may not be sent again answers with a failure instead, which
 * names it: so an agent that is not asked to tell never goes on with a file that has changed.
 */
const maySendAgain = ({ operation: { facts } }: World): boolean =>
  facts.changed_below === undefined && facts.resend === undefined;

type Back = GoBack | Omit<Reason, 'step'>;

/** The source's files have changed beneath its disks: the target is asked to take what they are now. */
function agreeAnew(draft: Draft, found_by: 'precopy' | 'copy', { message, disks }: ChangedBelow): Back {
  if (!maySendAgain(draft)) return changedAgain(message);
  const resend = found_by === 'copy' ? { resend: copiedBytes(draft) } : {};
  draft.addFacts({ ...resend, changed_below: found_by, survey: { ...fact(draft, 'survey'), disks } });
  return {
    again: found_by === 'precopy' ? 'admit-running' : 'admit-again',
    because: `${message} What has changed is sent again.`,
  };
}

/** The target has not what the disks stand on. */
function mendBelow(draft: Draft, { message, again }: DamagedBelow): Back {
  if (!maySendAgain(draft)) return changedAgain(message);
  draft.addFacts({ changed_below: 'verify', resend: copiedBytes(draft) });
  return {
    again: again === 'copy' ? 'copy' : 'admit-again',
    because: `${message} ${again === 'copy' ? 'It is sent again.' : 'It is fetched or sent again.'}`,
  };
}

/** Told by an agent that was not asked to tell, and should have failed: nobody goes round in circles with a guest that is off. */
const changedAgain = (message: string): Exclude<Back, GoBack> => ({
  code: 'backing_image_changed',
  message: `${message} It was sent again once already. The copy was given up; the source's disks are untouched.`,
});

/** Known since `survey`. */
export const wasRunning = (world: World): boolean =>
  world.operation.facts.survey?.power_state === PowerState.running;
