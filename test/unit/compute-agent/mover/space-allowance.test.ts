import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  SpaceAllowance,
  SpaceUsedUp,
} from '../../../../services/compute-agent/mover/receiver/space-allowance.ts';

/** A disk of blocks: writing one again takes no more room. */
const write = fc.record({ at: fc.nat({ max: 40 }), blocks: fc.integer({ min: 1, max: 8 }) });

test('writers at the same time never take more than was granted, and are refused only what would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(write, { maxLength: 30 }),
      fc.integer({ min: 1, max: 30 }),
      async (scheduler, writes, granted_blocks) => {
        const taken = new Set<number>();
        const allowance = new SpaceAllowance({
          granted_bytes: granted_blocks,
          measure: () => scheduler.schedule(Promise.resolve(), 'measure').then(() => taken.size),
        });
        const all = writes.map(({ at, blocks }) =>
          allowance
            .within(blocks, async () => {
              await scheduler.schedule(Promise.resolve(), 'write');
              for (let block = at; block < at + blocks; block += 1) taken.add(block);
              expect(taken.size).toBeLessThanOrEqual(granted_blocks);
            })
            .catch((error: unknown) => {
              if (!(error instanceof SpaceUsedUp)) throw error;
              // Nothing was being written when it was refused: the count was exact.
              expect(taken.size + blocks).toBeGreaterThan(granted_blocks);
            }),
        );
        await scheduler.waitFor(Promise.all(all));
        expect(taken.size).toBeLessThanOrEqual(granted_blocks);
      },
    ),
  );
});

test('the refusal is that of a full quota, with the figures', async () => {
  const allowance = new SpaceAllowance({ granted_bytes: 100, measure: () => Promise.resolve(60) });
  await expect(allowance.within(41, () => Promise.resolve())).rejects.toMatchObject({
    code: 'EDQUOT',
    message: expect.stringMatching(
      /^100 bytes were reserved .* 60 of them are used, and 41 more came/,
    ) as string,
  });
});
