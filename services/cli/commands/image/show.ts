import { openSession, printOne, type Command } from '../context.ts';
import { findImage, imageRow } from './view.ts';

export const showImage: Command<{ readonly image: string }> = {
  command: 'show <image>',
  describe: 'Show one image',
  builder: (argv) => argv.positional('image', { type: 'string', demandOption: true, describe: 'Name or id' }),
  handler: async (options) => {
    const session = await openSession(options);
    printOne(imageRow(await findImage(session, options.image)), options);
  },
};
