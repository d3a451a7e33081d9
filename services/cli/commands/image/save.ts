import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { formatBytes } from '../../output/sizes.ts';
import { text } from '../../session/json.ts';
import { openSession, say, type Command } from '../context.ts';
import { findImage } from './view.ts';

export const saveImage: Command<{ readonly image: string; readonly file: string }> = {
  command: 'save <image>',
  describe: 'Write the bytes of an image to a file, and check their sha512',
  builder: (argv) =>
    argv
      .positional('image', { type: 'string', demandOption: true, describe: 'Name or id' })
      .option('file', { type: 'string', demandOption: true, describe: 'File to write; it appears whole' }),
  handler: async (options) => {
    const session = await openSession(options);
    const image = await findImage(session, options.image);
    const expected = text(image, 'os_hash_value');
    const status = text(image, 'status');
    if (status !== 'active' || expected === null)
      throw new CommandFailure(ExitCode.refused, `Image ${options.image} has no bytes yet: it is ${status}.`);
    const draft = `${options.file}.part`;
    const digest = createHash('sha512');
    let bytes = 0;
    const file = await open(draft, 'w');
    try {
      for await (const block of await session.download('image', `/v2/images/${text(image, 'id')}/file`)) {
        digest.update(block);
        await file.writeFile(block);
        bytes += block.length;
      }
      await file.sync();
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    const found = digest.digest('hex');
    if (found !== expected) {
      await rm(draft, { force: true });
      throw new CommandFailure(
        ExitCode.notHappened,
        `What arrived of image ${options.image} has sha512 ${found}, not ${expected}; nothing was kept.`,
        'Try again.',
      );
    }
    await rename(draft, options.file);
    say(`${options.file}: ${formatBytes(bytes)}, sha512 as expected.`);
  },
};
