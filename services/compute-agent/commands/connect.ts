import { Type } from 'typebox';
import { defineCommand } from './definition.ts';
import { requireHome } from './guest.ts';
import { Disks, Endpoint } from './schemas.ts';
import { transferOf } from './transfer.ts';

/** Finds a wrong host key, a closed port or a refused key while the guest still runs. */
export const connect = defineCommand({
  name: 'connect',
  arguments: Type.Object({ endpoint: Endpoint, disks: Disks }),
  needs_migration: true,
  async run(command, parts) {
    await requireHome(command.instance_id, parts);
    const transfer = await transferOf(command, parts, { ...command.arguments, limit_bytes_per_second: 0 });
    await parts.sender.connect(transfer, { signal: command.signal, onProgress: command.onProgress });
    const { address, port } = command.arguments.endpoint;
    return {
      summary: `the receiver at ${address} port ${port} answers with the expected host key`,
      result: {},
    };
  },
});
