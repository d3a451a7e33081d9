import { PowerState } from '../../../shared/domain/states.ts';
import { defineCommand, migrationOf } from './definition.ts';
import { defineHome, powerStateOf, requireHome } from './guest.ts';
import { Nothing } from './schemas.ts';
import { withChains } from './source-chains.ts';

/** What there is to move, and the key that will move it. The guest is not touched. */
export const survey = defineCommand({
  name: 'survey',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const id = command.instance_id;
    const mark = await requireHome(id, parts);
    if ((await powerStateOf(id, parts)) === null) await defineHome(mark, parts);
    const [present, power_state, key] = await Promise.all([
      parts.hypervisor.disks(id),
      powerStateOf(id, parts),
      parts.keys.ensure(migrationOf(command, parts)),
    ]);
    const disks = await withChains(present, command, parts);
    const allocated_bytes = disks.reduce((sum, disk) => sum + disk.allocated_bytes, 0);
    return {
      summary: `${disks.length} disk(s) with ${allocated_bytes} bytes in use`,
      result: {
        disks,
        power_state: power_state ?? PowerState.noState,
        public_key: key.public_key,
        source_address: parts.address,
      },
    };
  },
});
