import { styleText } from 'node:util';
import { hideBin } from 'yargs/helpers';
import { CommandFailure, ExitCode } from './exit-codes.ts';
import { createParser } from './parser.ts';

await run(hideBin(process.argv));

/** Parses, runs, and turns every failure into one line and an exit code. */
async function run(words: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `drover … | head` closes the pipe early: that is no failure of ours.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await createParser(words)
      .wrap(Math.min(110, process.stdout.columns || 100))
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
