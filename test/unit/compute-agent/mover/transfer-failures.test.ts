import { expect, test } from 'vitest';
import { SpillFailure } from '../../../../services/compute-agent/mover/disks/spill-file.ts';
import { RemoteFailure } from '../../../../services/compute-agent/mover/sender/receiver-link.ts';
import {
  describeFailure,
  readFailed,
} from '../../../../services/compute-agent/mover/sender/transfer-failures.ts';

const where = { address: '192.0.2.1', port: 22 };
const full = new SpillFailure('/state/mover/pages', new Error('ENOSPC: no space left on device, write'));
const reason = '/state/mover/pages: ENOSPC: no space left on device, write';

test('what is known of the disks cannot be kept: on which side, and no other connection is tried', () => {
  expect(describeFailure(full, where)).toMatchObject({
    error: { code: 'mover_spill_failed', values: { side: 'source', reason } },
    final: true,
  });
  const heard = new RemoteFailure({ code: 'mover_spill_failed', disk: '', reason });
  expect(describeFailure(heard, where)).toMatchObject({
    error: { code: 'mover_spill_failed', values: { side: 'target', reason } },
    final: true,
  });
});

test('it is not taken for a disk that cannot be read', () => {
  expect(readFailed('disk', full)).toMatchObject({ code: 'mover_spill_failed', values: { side: 'source' } });
});
