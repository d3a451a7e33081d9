import { findServerId } from '../../session/find-server.ts';
import { list, number, record, text, type JsonRecord } from '../../session/json.ts';
import { openSession, printList, printOne, type Command } from '../context.ts';

interface Arguments {
  readonly host: string;
  readonly for: string;
}

export const explainHost: Command<Arguments> = {
  command: 'explain <host>',
  describe: 'Say what every filter and weigher makes of a host for a server that would move',
  builder: (argv) =>
    argv
      .positional('host', { type: 'string', demandOption: true })
      .option('for', { type: 'string', demandOption: true, describe: 'The server: name or id' }),
  handler: async (options) => {
    const session = await openSession(options);
    const id = await findServerId(session, options.for);
    const path = `/hosts/${encodeURIComponent(options.host)}/explain?server=${id}`;
    const explanation = record((await session.request('drover', 'GET', path)).body, 'explanation');
    if (options.format === 'json' || options.format === 'yaml') {
      const whole: object = explanation;
      printOne({ ...whole }, options);
      return;
    }
    printList(verdictColumns, verdictRows(list(explanation, 'verdicts')), options);
    if (options.format === 'table') process.stdout.write(`${hostSentence(explanation)}\n`);
  },
};

export const verdictColumns = ['Filter', 'Verdict', 'Reason'] as const;

export function verdictRows(verdicts: readonly JsonRecord[]) {
  return verdicts.map((verdict) => ({
    Filter: text(verdict, 'filter'),
    Verdict: verdict['pass'] === true ? 'passed' : 'rejected',
    Reason: text(verdict, 'message'),
  }));
}

/** What it comes to: rejected, chosen, or behind which host. */
export function hostSentence(explanation: JsonRecord): string {
  const host = text(explanation, 'host') ?? 'the host';
  const chosen = text(explanation, 'chosen_host');
  const weighed = record(explanation, 'weighed');
  const weight = number(weighed, 'weight');
  const elsewhere = chosen === null ? 'No host would be chosen.' : `${chosen} would be chosen.`;
  if (weight === null) return `${host} is rejected. ${elsewhere}`;
  const parts = list(weighed, 'parts')
    .map((part) => ({
      weigher: text(part, 'weigher'),
      share: (number(part, 'multiplier') ?? 0) * (number(part, 'normalised') ?? 0),
    }))
    .filter(({ share }) => share !== 0)
    .map(({ weigher, share }) => `${weigher} ${share.toFixed(2)}`);
  const made = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  const place = `${host} weighs ${weight.toFixed(2)}${made}, place ${(number(weighed, 'rank') ?? 0) + 1}`;
  if (chosen === host) return `${place}. It would be chosen.`;
  const best = number(record(explanation, 'best'), 'weight');
  return `${place}; the best weighs ${best?.toFixed(2) ?? '?'}. ${elsewhere}`;
}
