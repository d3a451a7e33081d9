import type { Step } from '../step.ts';

/**
 * A copy waits for its turn here and nowhere later: nothing has been touched yet. After `choose`, because a limit per
 * target needs the target, whose capacity stays claimed meanwhile. Before `survey`, because what comes from there on
 * grows old: the disks' sizes, the key that the source's agent keeps in memory and the target admits for a limited
 * time, the space and the folder on the target. The guest runs on however long it takes.
 */
export const turn: Step = {
  name: 'turn',
  phase: 'queued',
  action: { type: 'turn' },
  undo: { type: 'inline', run: (draft) => draft.giveTurnBack() },
};
