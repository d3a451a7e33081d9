import { list, number, record, text } from '../../session/json.ts';
import { openSession, printList, say, type Command } from '../context.ts';

export const operationCommands: Command = {
  command: 'operation',
  describe: 'What is under way, and what is stuck: list, resume, resolve',
  builder: (argv) =>
    argv
      .command(listOperations)
      .command(resumeOperation)
      .command(resolveOperation)
      .demandCommand(1, 'Say what to do with operations.')
      .strict(),
  handler: () => {},
};

const states = ['waiting', 'running', 'unwinding', 'stuck', 'done', 'unwound'] as const;

const listOperations: Command<{ readonly state: string | undefined }> = {
  command: 'list',
  describe: 'List operations that have not come to rest, newest first',
  builder: (argv) => argv.option('state', { choices: states, describe: 'Only with this state' }),
  handler: async (options) => {
    const session = await openSession(options);
    const query = options.state === undefined ? '' : `?state=${options.state}`;
    const answer = await session.request('drover', 'GET', `/operations${query}`);
    const columns = ['ID', 'Kind', 'Server', 'State', 'Step', 'Attempt', 'Reason', 'Updated At'];
    const rows = list(answer.body, 'operations').map((operation) => ({
      ID: text(operation, 'id'),
      Kind: text(operation, 'kind'),
      Server: text(operation, 'server_id'),
      State: text(operation, 'state'),
      Step: text(operation, 'step'),
      Attempt: number(operation, 'attempt'),
      Reason: text(record(operation, 'reason'), 'message'),
      'Updated At': text(operation, 'updated_at'),
    }));
    printList(columns, rows, options);
  },
};

const resumeOperation = goOnCommand(
  'resume',
  'Let a stuck operation try its step again, once you have mended what it stuck at',
);
const resolveOperation = goOnCommand(
  'resolve',
  'Let a stuck operation go on as if its step were done, once you have done it by hand',
);

function goOnCommand(word: 'resume' | 'resolve', describe: string): Command<{ readonly operation: string }> {
  return {
    command: `${word} <operation>`,
    describe,
    builder: (argv) =>
      argv.positional('operation', { type: 'string', demandOption: true, describe: 'UUID of the operation' }),
    handler: async (options) => {
      const session = await openSession(options);
      const path = `/operations/${encodeURIComponent(options.operation)}/${word}`;
      const operation = record((await session.request('drover', 'POST', path)).body, 'operation');
      const kind = text(operation, 'kind') ?? 'operation';
      say(`The ${kind} of ${text(operation, 'server_id') ?? 'the server'} goes on.`);
    },
  };
}
