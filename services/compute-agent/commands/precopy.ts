import { Type } from 'typebox';
import type { ChangedRanges } from '../mover/mover.ts';
import { decideAfterRound } from '../mover/round-decision.ts';
import { travellingRanges } from '../mover/sender/travelling-ranges.ts';
import { defineCommand } from './definition.ts';
import { requireHome } from './guest.ts';
import { Bytes, Disks, Endpoint, Seconds } from './schemas.ts';
import { agreedAnew, blamingChanges, changedBelow, mayHaveChanged } from './source-chains.ts';
import { transferOf } from './transfer.ts';

/**
 * Sends the disks while their guest runs, round after round, until the rest is little enough to stop it for. A guest
 * that is off meanwhile is no failure: its disks change no more.
 */
export const precopy = defineCommand({
  name: 'precopy',
  arguments: Type.Object({
    endpoint: Endpoint,
    disks: Disks,
    limit_bytes_per_second: Bytes,
    paused: Type.Optional(Type.Boolean()),
    downtime_budget_seconds: Seconds,
    prepare_bytes: Type.Optional(Bytes),
    rounds_seen: Type.Optional(Type.Integer({ minimum: 0 })),
    tells_changes: Type.Optional(Type.Boolean()),
  }),
  needs_migration: true,
  outlives_agent: true,
  async run(command, parts) {
    const { instance_id } = command;
    const { disks, downtime_budget_seconds: budget_seconds } = command.arguments;
    const { prepare_bytes = 0, rounds_seen = 0 } = command.arguments;
    await requireHome(instance_id, parts);
    const transfer = await transferOf(command, parts, command.arguments);
    const watch = { signal: command.signal, onProgress: command.onProgress };
    // The sender is the one of the earlier order, and would tell of its rounds at once.
    let seen = rounds_seen;
    let agreed_anew = agreedAnew(disks);
    for (;;) {
      // Before the round reads: what is written from now on belongs to the next one.
      const written = mayHaveChanged(disks, await parts.hypervisor.takeDirty(instance_id));
      const changed = travellingRanges({ ...written, ...agreed_anew });
      const sending = parts.sender.round(transfer, { seen, changed }, watch);
      const rounds = await blamingChanges(command, parts, sending);
      seen = rounds.length;
      agreed_anew = {};
      const { ended, predicted_downtime_seconds, predicted_prepare_seconds } = decideAfterRound({
        rounds,
        budget_seconds,
        // As the sender will hear it: of changes in too many places it only knows that they are there.
        reads_all: readsAll(travellingRanges(written)),
        prepare_bytes,
      });
      if (ended === null) continue;
      // Found now and not by `copy` only: the guest would be stopped for nothing.
      const change = await changedBelow(command, parts);
      const prepares =
        predicted_prepare_seconds > 0
          ? `, ${predicted_prepare_seconds.toFixed(1)} s of it while the target prepares what has arrived`
          : '';
      const sent_bytes = rounds.reduce((sum, round) => sum + round.sent_bytes, 0);
      return {
        summary:
          `${rounds.length} round(s) sent ${sent_bytes} bytes while the guest ran; it will be off for about ` +
          `${predicted_downtime_seconds.toFixed(1)} s${prepares} (${ended})`,
        result: {
          rounds,
          predicted_downtime_seconds,
          predicted_prepare_seconds,
          ended,
          ...(change === null ? {} : { changed: change }),
        },
      };
    }
  },
});

const readsAll = (changed: ChangedRanges): boolean => Object.values(changed).includes(null);
