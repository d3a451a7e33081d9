import { folderRoles } from '../folders/mark.ts';
import { defineCommand } from './definition.ts';
import { Nothing } from './schemas.ts';

/** Removes every trace of an instance from this host, whatever it was in the middle of. */
export const destroy = defineCommand({
  name: 'destroy',
  arguments: Nothing,
  interrupts_all: true,
  async run({ instance_id }, parts) {
    const staged = parts.folders.known('staging').find((mark) => mark.instance_id === instance_id);
    if (staged?.migration_id) await parts.receiver.withdraw(staged.migration_id);
    await parts.hypervisor.undefine(instance_id);
    let removed = 0;
    for (const role of folderRoles)
      if ((await parts.folders.remove(instance_id, role, 'anyone')) === 'removed') removed += 1;
    return {
      summary:
        removed === 0
          ? 'nothing of the guest was there any more'
          : `the guest and ${removed} folder(s) were removed`,
      result: {},
    };
  },
});
