import yargs, { type Argv } from 'yargs';
import { commonOptions, type CommonArguments } from './commands/context.ts';
import { commandGroups } from './commands/index.ts';

const exitCodeHelp = `Exit codes: 0 done; 1 refused, nothing changed; 2 wrong usage; 3 accepted but it did not happen, or a dry run found no host; 4 --timeout passed.`;

/** The whole command line. Who parses says what happens to failures. */
export function createParser(words: readonly string[]): Argv<CommonArguments> {
  const parser = commonOptions(yargs([...words]))
    // All our texts are English; yargs would translate only its own.
    .detectLocale(false)
    .scriptName('drover')
    .usage('$0 <command>\n\nMove servers between hosts, watch them, and see why.');
  for (const group of commandGroups) parser.command(group);
  return parser
    .completion('completion', 'Print a shell completion script: source <(drover completion)')
    .demandCommand(1, 'Say what to do.')
    .recommendCommands()
    .strict()
    .epilogue(exitCodeHelp);
}
