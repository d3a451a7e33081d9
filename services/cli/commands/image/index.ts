import type { Command } from '../context.ts';
import { extractImage } from './extract.ts';
import { listImages } from './list.ts';
import { saveImage } from './save.ts';
import { showImage } from './show.ts';

export const imageCommands: Command = {
  command: 'image',
  describe: "Images: list, show, save, and make one of a server's disk",
  builder: (argv) =>
    argv
      .command(listImages)
      .command(showImage)
      .command(saveImage)
      .command(extractImage)
      .demandCommand(1, 'Say what to do with images.')
      .strict(),
  handler: () => {},
};
