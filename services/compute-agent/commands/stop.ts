import { Type } from 'typebox';
import { defineCommand } from './definition.ts';
import { isRunning, requireHome } from './guest.ts';
import { Seconds } from './schemas.ts';

/** The source's guest goes off, gracefully if it does so in time. A stopped guest stays stopped. */
export const stop = defineCommand({
  name: 'stop',
  arguments: Type.Object({ shutdown_timeout_seconds: Seconds }),
  async run(command, parts) {
    const id = command.instance_id;
    await requireHome(id, parts);
    if (!(await isRunning(id, parts)))
      return { summary: 'the guest was stopped already', result: { was_running: false, forced: false } };
    const { forced } = await parts.hypervisor.stop(id, command.arguments.shutdown_timeout_seconds);
    return {
      summary: forced ? 'the guest did not shut down and was powered off' : 'the guest shut down',
      result: { was_running: true, forced },
    };
  },
});
