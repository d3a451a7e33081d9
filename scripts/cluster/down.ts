import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram, shownFolder } from './program.ts';
import { stopCluster } from './stop-cluster.ts';

const help = `usage: scripts/down [--dir DIR]

Stops the private cluster of DIR (default .run) and removes everything that it made. Its data is lost.
`;

await runProgram(async (argv) => {
  const { values } = parseArgs({
    args: [...argv],
    options: { dir: { type: 'string', default: '.run' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const folder = resolve(values.dir);
  const shown = shownFolder(folder);
  const stopped = await stopCluster(folder);
  process.stdout.write(
    stopped ? `Stopped; nothing of ${shown} is left.\n` : `There is no cluster in ${shown}.\n`,
  );
  return 0;
});
