import { Type } from 'typebox';
import { PowerState } from '../../../shared/domain/states.ts';
import { defineCommand } from './definition.ts';
import { isRunning, requireHome } from './guest.ts';
import { Seconds } from './schemas.ts';

export const powerOff = defineCommand({
  name: 'power_off',
  arguments: Type.Object({ shutdown_timeout_seconds: Seconds }),
  async run(command, parts) {
    const id = command.instance_id;
    await requireHome(id, parts);
    const result = { power_state: PowerState.shutdown };
    if (!(await isRunning(id, parts))) return { summary: 'the guest was stopped already', result };
    const { forced } = await parts.hypervisor.stop(id, command.arguments.shutdown_timeout_seconds);
    return {
      summary: forced ? 'the guest did not shut down and was powered off' : 'the guest shut down',
      result,
    };
  },
});
