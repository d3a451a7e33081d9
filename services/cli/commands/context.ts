import type { Argv, CommandModule } from 'yargs';
import {
  formats,
  renderList,
  renderOne,
  type Format,
  type OutputOptions,
  type Row,
} from '../output/format.ts';
import { readCredentials } from '../session/credentials.ts';
import { Session } from '../session/session.ts';

/** The options that every command has. */
export interface CommonArguments {
  readonly format: Format;
  readonly column: readonly string[];
  readonly 'os-cloud': string | undefined;
}

export function commonOptions<Base>(argv: Argv<Base>): Argv<Base & CommonArguments> {
  return argv
    .option('format', {
      alias: 'f',
      choices: formats,
      default: 'table' as const,
      describe: 'How to print the answer',
    })
    .option('column', {
      alias: 'c',
      type: 'string',
      array: true,
      default: [] as string[],
      nargs: 1,
      describe: 'Print only this column (may be given several times)',
    })
    .option('os-cloud', {
      type: 'string',
      describe: 'Cloud of clouds.yaml to use (default: OS_CLOUD, else the OS_* variables)',
    }) as Argv<Base & CommonArguments>;
}

export type Command<Extra = unknown> = CommandModule<CommonArguments, CommonArguments & Extra>;

/** Logs in with what the command line and the environment give. */
export async function openSession(options: CommonArguments): Promise<Session> {
  return Session.open(readCredentials(process.env, options['os-cloud']));
}

const outputOf = (options: CommonArguments): OutputOptions => ({
  format: options.format,
  columns: options.column,
});

export function printList(columns: readonly string[], rows: readonly Row[], options: CommonArguments): void {
  const rendered = renderList(columns, rows, outputOf(options));
  if (rendered !== '') process.stdout.write(`${rendered}\n`);
}

export function printOne(row: Row, options: CommonArguments): void {
  process.stdout.write(`${renderOne(row, outputOf(options))}\n`);
}

/** For people, beside the answer: on standard error, so that `-f json > file` stays clean. */
export function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
