import { formatBytes } from '../../output/sizes.ts';
import { list, number, text, type JsonRecord } from '../../session/json.ts';
import { openSession, printList, type Command } from '../context.ts';

export const listImages: Command<{ readonly server: string | undefined }> = {
  command: 'list',
  describe: 'List images',
  builder: (argv) =>
    argv.option('server', { type: 'string', describe: 'Only those made of the server with this id' }),
  handler: async (options) => {
    const session = await openSession(options);
    const images: JsonRecord[] = [];
    for (let path: string | null = '/v2/images'; path !== null;) {
      const answer = await session.request('image', 'GET', path);
      images.push(...list(answer.body, 'images'));
      path = text(answer.body, 'next');
    }
    const wanted = images.filter(
      (image) => options.server === undefined || text(image, 'instance_uuid') === options.server,
    );
    const columns = ['ID', 'Name', 'Status', 'Format', 'Size', 'Visibility'];
    const rows = wanted.map((image) => {
      const size_bytes = number(image, 'size');
      return {
        ID: text(image, 'id'),
        Name: text(image, 'name'),
        Status: text(image, 'status'),
        Format: text(image, 'disk_format'),
        Size: size_bytes === null ? null : formatBytes(size_bytes),
        Visibility: text(image, 'visibility'),
      };
    });
    printList(columns, rows, options);
  },
};
