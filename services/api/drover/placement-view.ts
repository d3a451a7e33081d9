import type { Decision } from '../../scheduler/placement/model.ts';

/** A decision that was only asked for: its short form, and the record with every reason. */
export function dryRunView(server_id: string, decision: Decision): object {
  return {
    server_id,
    chosen_host: decision.chosen,
    alternates: decision.alternates,
    summary:
      decision.no_valid_host?.message ?? `${decision.chosen ?? ''} of ${decision.weighed} that would do`,
    record: decision,
  };
}
