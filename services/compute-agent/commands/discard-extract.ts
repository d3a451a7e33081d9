import { Type } from 'typebox';
import { defineCommand } from './definition.ts';
import { extractionFolder, removeExtraction } from './extraction.ts';
import { Uuid } from './schemas.ts';

/** Undo of extract: what runs of it has been interrupted by this command; its files go. */
export const discardExtract = defineCommand({
  name: 'discard_extract',
  arguments: Type.Object({ image_id: Uuid }),
  async run(command, parts) {
    await command.interrupted;
    await removeExtraction(extractionFolder(command, command.arguments.image_id, parts));
    return { summary: 'nothing of the image is left here', result: {} };
  },
});
