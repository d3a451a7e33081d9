import { styleText } from 'node:util';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { commonOptions } from './commands/context.ts';
import { databaseCommands } from './commands/database/migrate.ts';
import { hostCommands } from './commands/host/list.ts';
import { migrationCommands } from './commands/migration/index.ts';
import { serverCommands } from './commands/server/index.ts';
import { serviceCommands } from './commands/service/list.ts';
import { CommandFailure, ExitCode } from './exit-codes.ts';

const exitCodeHelp = `Exit codes: 0 done; 1 refused, nothing changed; 2 wrong usage; 3 accepted but it did not happen; 4 --timeout passed.`;

await run(hideBin(process.argv));

/** Parses, runs, and turns every failure into one line and an exit code. */
async function run(words: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `drover … | head` closes the pipe early: that is no failure of ours.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await commonOptions(yargs([...words]))
      .scriptName('drover')
      .usage('$0 <command>\n\nMove servers between hosts, watch them, and see why.')
      .command(serverCommands)
      .command(migrationCommands)
      .command(hostCommands)
      .command(serviceCommands)
      .command(databaseCommands)
      .completion('completion', 'Print a shell completion script: source <(drover completion)')
      .demandCommand(1, 'Say what to do.')
      .recommendCommands()
      .strict()
      .wrap(Math.min(110, process.stdout.columns || 100))
      .epilogue(exitCodeHelp)
      .exitProcess(false)
      .fail((message, error, parser) => {
        if (error !== undefined) throw error;
        // Somebody who only typed a group wants to see what is in it; a typing error wants its one line.
        if (message.startsWith('Say what to do')) parser.showHelp('error');
        throw new CommandFailure(ExitCode.usage, message, 'See --help of the command.');
      })
      .parseAsync();
  } catch (error) {
    const failure = error instanceof CommandFailure ? error : null;
    const message = failure?.message ?? (error instanceof Error ? error.message : String(error));
    process.stderr.write(`${styleText('red', 'drover:', { stream: process.stderr })} ${message}\n`);
    if (failure !== null && failure.advice !== null) process.stderr.write(`${failure.advice}\n`);
    process.exitCode = failure?.exit_code ?? ExitCode.refused;
  }
}
