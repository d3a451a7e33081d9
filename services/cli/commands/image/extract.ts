import { setTimeout as delay } from 'node:timers/promises';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { formats, type Format } from '../../output/format.ts';
import { ProgressDisplay } from '../../output/progress-line.ts';
import { findServerId } from '../../session/find-server.ts';
import { number, record, text, type JsonRecord } from '../../session/json.ts';
import type { Session } from '../../session/session.ts';
import type { Argv } from 'yargs';
import { openSession, printOne, say, type Command, type CommonArguments } from '../context.ts';
import { timeoutOption, waitOption } from '../wait-options.ts';
import { findImage, imageRow } from './view.ts';

interface Arguments {
  readonly server: string;
  readonly name: string | undefined;
  readonly cancel: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

const POLL_MILLISECONDS = 250;
const imageFormatWords = ['raw', 'qcow2', 'vmdk', 'vhdx', 'vhd', 'vpc'] as const;

export const extractImage: Command<Arguments> = {
  command: 'extract <server>',
  describe: "Make an image of a server's disk; a running server goes on",
  // The common option `format` takes these words, too; the type of the common one does not know.
  builder: (argv) =>
    argv
      .positional('server', {
        type: 'string',
        demandOption: true,
        describe: 'Name or id; with --cancel the id of the image that is being made',
      })
      .option('name', { type: 'string', describe: "The image's name" })
      .option('format', {
        choices: imageFormatWords,
        describe: "The image's format (qcow2 if none is named), or how to print the answer",
      })
      .option('cancel', {
        type: 'boolean',
        default: false,
        describe: 'Stop making the image; nothing of it is left',
      })
      .option('wait', waitOption)
      .option('timeout', timeoutOption)
      .example('$0 image extract vm1 --name golden --format vmdk --wait', 'for another product')
      .example('$0 image extract --cancel 6f0c…', 'call it back') as unknown as Argv<
      CommonArguments & Arguments
    >,
  handler: async (options) => {
    const session = await openSession(options);
    if (options.cancel) {
      const answer = await session.request('drover', 'POST', `/images/${options.server}/cancel`);
      say(text(record(answer.body, 'cancel'), 'effect') ?? 'It is called back.');
      return;
    }
    if (options.name === undefined)
      throw new CommandFailure(ExitCode.usage, 'Say how the image is to be named: --name NAME.');
    const server = await findServerId(session, options.server);
    const { disk_format, output } = formatsOf(options.format);
    const body = { server, name: options.name, disk_format };
    const answer = await session.request('drover', 'POST', '/images', { body });
    const id = text(record(answer.body, 'image'), 'id') ?? '';
    if (options.wait) await waitForImage(session, id, options.timeout);
    printOne(imageRow(await findImage(session, id)), { ...options, format: output });
  },
};

/** One option for both, as operators know it from either side: the words do not overlap. */
export function formatsOf(given: string | readonly string[]): {
  readonly disk_format: string;
  readonly output: Format;
} {
  const words = typeof given === 'string' ? [given] : given;
  const image = words.findLast((word) => imageFormatWords.some((known) => known === word)) ?? 'qcow2';
  return {
    disk_format: image === 'vpc' ? 'vhd' : image,
    output: formats.find((known) => known !== 'table' && words.includes(known)) ?? 'table',
  };
}

/** @throws CommandFailure (notHappened, timeout) */
async function waitForImage(session: Session, id: string, timeout_seconds: number): Promise<void> {
  const display = new ProgressDisplay(process.stderr);
  const ends_at = Date.now() + timeout_seconds * 1000;
  try {
    for (;;) {
      const image = record((await session.request('drover', 'GET', `/images/${id}`)).body, 'image');
      if (text(image, 'status') === 'active') return;
      const state = text(record(image, 'operation'), 'state');
      if (state === 'unwound' || text(image, 'status') === 'deleted') throw failureOf(image);
      const percent = number(image, 'progress_percent') ?? 0;
      display.show({
        phase: text(record(image, 'operation'), 'step') ?? 'waiting',
        total_bytes: null,
        processed_bytes: null,
        rate_bytes_per_second: null,
        eta_seconds: null,
        waits_for: `${percent}%`,
      });
      if (Date.now() > ends_at)
        throw new CommandFailure(
          ExitCode.timeout,
          `Waited ${timeout_seconds} s for image ${id}; it is at ${percent}%.`,
          'It goes on. Look again with `drover image show`.',
        );
      await delay(POLL_MILLISECONDS);
    }
  } finally {
    display.end();
  }
}

const failureOf = (image: JsonRecord): CommandFailure =>
  new CommandFailure(
    ExitCode.notHappened,
    `No image was made: ${text(record(image, 'reason'), 'message') ?? 'no reason was recorded'}`,
    'The server is as it was, and nothing of the image is left.',
  );
