import { readFileSync } from 'node:fs';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import type { DecisionView } from '../../output/decision.ts';
import { printList, say, type Command, type CommonArguments } from '../context.ts';
import { decisionText, hostsOption, printDecision } from '../decision/view.ts';
import { hostSentence, verdictColumns, verdictRows } from '../host/explain.ts';
import type { Simulated } from './simulation.ts';

interface Arguments {
  readonly file: readonly string[];
  readonly server: readonly string[];
  readonly flavor: string | undefined;
  readonly explain: string | undefined;
  readonly hosts: number;
  readonly 'config-file': readonly string[];
}

export const placementCommands: Command = {
  command: 'placement',
  describe: 'The placement core on a file, without a cluster',
  builder: (argv) => argv.command(simulate).demandCommand(1, 'Say what to do.').strict(),
  handler: () => {},
};

const simulate: Command<Arguments> = {
  command: 'simulate <file..>',
  describe:
    'Decide on a cluster in its text form (see `drover cluster dump`), exactly as the scheduler would',
  builder: (argv) =>
    argv
      .positional('file', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Files that are read as one, e.g. a cluster and what is asked of it',
      })
      .option('server', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: 'Only this one of the requests in the files (may be given several times)',
      })
      .option('flavor', {
        type: 'string',
        describe: 'Ask for this: vcpus=2,memory_mb=2048,root_gb=20 and whatever a request line may say',
      })
      .option('explain', { type: 'string', describe: 'Say of this host what every filter makes of it' })
      .option('hosts', hostsOption)
      .option('config-file', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe:
          "Settings that the files do not name, and the site's own filters (default: Nova's defaults)",
      })
      .example('$0 placement simulate cluster.txt --flavor vcpus=2,memory_mb=4096', 'where would this fit?'),
  handler: async (options) => {
    // Loaded here only: no other command needs the placement core.
    const { explainInSimulation, loadSimulation, runSimulation } = await import('./simulation.ts');
    const simulation = await loadSimulation(
      options.file.map((file) => ({ file, text: readText(file) })),
      { config_files: options['config-file'], flavor: options.flavor, only: options.server },
    );
    if (options.explain !== undefined) {
      for (const { name, explanation } of explainInSimulation(simulation, options.explain)) {
        if (simulation.requests.length > 1) process.stdout.write(`${name}\n`);
        printList(verdictColumns, verdictRows(explanation.verdicts), options);
        process.stdout.write(`${hostSentence(explanation)}\n`);
      }
      return;
    }
    const { decided, unmet } = runSimulation(simulation, options.hosts);
    print(decided, options);
    for (const sentence of unmet) say(sentence);
    if (unmet.length > 0) {
      throw new CommandFailure(ExitCode.notHappened, `${unmet.length} of the expectations are not met.`);
    }
  },
};

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(ExitCode.usage, `${file} cannot be read: ${reason}`);
  }
}

function print(decided: readonly Simulated[], options: CommonArguments): void {
  const [first] = decided;
  if (first !== undefined && decided.length === 1) {
    printDecision(first.view, { server: first.name, ...first.view }, options);
  } else if (options.format === 'table') {
    process.stdout.write(
      `${decided.map(({ name, view }) => `${name}\n${decisionText(view, options)}`).join('\n\n')}\n`,
    );
  } else {
    const columns = ['Server', 'To', 'Alternates', 'Reason'];
    printList(
      columns,
      decided.map(({ name, alternates, view }) => rowOf(name, alternates, view)),
      options,
    );
  }
}

function rowOf(name: string, alternates: readonly string[], view: DecisionView) {
  return { Server: name, To: view.chosen_host, Alternates: alternates.join(', '), Reason: view.summary };
}
