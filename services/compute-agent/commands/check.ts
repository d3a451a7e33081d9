import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { defineCommand } from './definition.ts';
import { powerStateName, powerStateOf, requireHome } from './guest.ts';

/** Looked at before the other copy is removed for good. */
export const check = defineCommand({
  name: 'check',
  arguments: Type.Object({ expect_running: Type.Boolean() }),
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const { expect_running } = command.arguments;
    const unexpected = (expected: string, found: string) =>
      new DroverError('guest_state_unexpected', { instance: instance_id, host: parts.host, expected, found });
    const home = await requireHome(instance_id, parts);
    if (home.epoch !== epoch) throw unexpected(`defined under epoch ${epoch}`, `under epoch ${home.epoch}`);
    const power_state = await powerStateOf(instance_id, parts);
    if (power_state === null || (power_state === PowerState.running) !== expect_running)
      throw unexpected(expect_running ? 'running' : 'shut down', powerStateName(power_state));
    return {
      summary: `the guest is ${powerStateName(power_state)}, as it should be`,
      result: { power_state },
    };
  },
});
