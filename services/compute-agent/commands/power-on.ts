import { PowerState } from '../../../shared/domain/states.ts';
import { defineCommand } from './definition.ts';
import { startAtHome } from './guest.ts';
import { Nothing } from './schemas.ts';

export const powerOn = defineCommand({
  name: 'power_on',
  arguments: Nothing,
  async run({ instance_id }, parts) {
    const outcome = await startAtHome(instance_id, parts);
    return {
      summary: outcome === 'started' ? 'the guest was started' : 'the guest was running already',
      result: { power_state: PowerState.running },
    };
  },
});
