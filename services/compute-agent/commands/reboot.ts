import { Type } from 'typebox';
import { PowerState } from '../../../shared/domain/states.ts';
import { defineCommand } from './definition.ts';
import { isRunning, requireHome, startAtHome } from './guest.ts';
import { Seconds } from './schemas.ts';

/** The only command that is not idempotent by nature: a second one reboots again, which a guest survives. */
export const reboot = defineCommand({
  name: 'reboot',
  arguments: Type.Object({
    type: Type.Union([Type.Literal('SOFT'), Type.Literal('HARD')]),
    shutdown_timeout_seconds: Seconds,
  }),
  async run(command, parts) {
    const id = command.instance_id;
    const { type, shutdown_timeout_seconds } = command.arguments;
    await requireHome(id, parts);
    const running = await isRunning(id, parts);
    if (running && type === 'HARD') await parts.hypervisor.reset(id);
    else {
      if (running) await parts.hypervisor.stop(id, shutdown_timeout_seconds);
      await startAtHome(id, parts);
    }
    return {
      summary: running ? `the guest was rebooted (${type})` : 'the guest was off and was started',
      result: { power_state: PowerState.running },
    };
  },
});
