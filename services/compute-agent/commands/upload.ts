import { join } from 'node:path';
import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { IMAGE_NAME, readExtracted } from '../images/extracted-disk.ts';
import { isUploaded, uploadImage } from '../images/upload.ts';
import { defineCommand } from './definition.ts';
import { extractionFolder, progressOf, removeExtraction } from './extraction.ts';
import { Bytes, Sha512, UploadTarget } from './schemas.ts';

/** Less than the scheduler's patience with a silent host, so that the operator reads what was silent. */
const SILENCE_MILLISECONDS_MAX = 30_000;

/** What was extracted goes to the image service, and from here. */
export const upload = defineCommand({
  name: 'upload',
  arguments: Type.Object({ upload: UploadTarget, size_bytes: Bytes, sha512: Sha512 }),
  async run(command, parts) {
    const { upload: target, size_bytes, sha512 } = command.arguments;
    const folder = extractionFolder(command, target.id, parts);
    const found = await readExtracted(folder);
    if (await isUploaded(target, sha512, command, SILENCE_MILLISECONDS_MAX).catch(() => false)) {
      await removeExtraction(folder);
      return { summary: 'the image service has it already', result: {} };
    }
    if (found?.sha512 !== sha512)
      throw new DroverError('image_extract_lost', { image: target.id, host: parts.host });
    const progress = progressOf(size_bytes);
    await uploadImage(target, join(folder, IMAGE_NAME), { size_bytes, sha512 }, command, {
      host: parts.host,
      silence_milliseconds_max: SILENCE_MILLISECONDS_MAX,
      onBytes: (sent_bytes) => command.onProgress(progress(sent_bytes)),
    });
    await removeExtraction(folder);
    return { summary: `${size_bytes} bytes went into image ${target.id}`, result: {} };
  },
});
