import { styleText } from 'node:util';
import { formatBytes, formatSeconds } from './sizes.ts';

export interface ProgressView {
  readonly phase: string;
  readonly total_bytes: number | null;
  readonly processed_bytes: number | null;
  readonly rate_bytes_per_second: number | null;
  readonly eta_seconds: number | null;
  /** Of a warm migration: the disks are gone through more than once. */
  readonly round?: number | null;
  /** A person has paused it. */
  readonly paused?: boolean;
  /** In the queue: what for. */
  readonly waits_for?: string | null;
}

const BAR_WIDTH = 28;
/** Phases in which bytes are moved or read: only there a bar says something. */
const moving = new Set(['pre-copy', 'copy', 'verify']);

/** One line that says where a migration is; with a bar where bytes move. */
export function progressLine(view: ProgressView): string {
  const phase = view.phase.padEnd(13);
  const { total_bytes: total, processed_bytes: processed } = view;
  const stands = view.paused === true ? 'paused' : (view.waits_for ?? null);
  if (!moving.has(view.phase) || total === null || processed === null || total === 0)
    return stands === null ? phase.trimEnd() : `${phase}${stands}`;
  const share = Math.min(1, processed / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const parts = [
    `${phase}${bar} ${String(Math.floor(share * 100)).padStart(3)}%`,
    `${formatBytes(processed)} of ${formatBytes(total)}`,
  ];
  if (view.phase === 'pre-copy' && typeof view.round === 'number' && view.round > 0)
    parts.push(`round ${view.round}`);
  if (view.paused === true) parts.push('paused');
  else if (view.rate_bytes_per_second !== null && view.rate_bytes_per_second > 0) {
    parts.push(`${formatBytes(view.rate_bytes_per_second)}/s`);
  }
  if (view.eta_seconds !== null && share < 1 && view.paused !== true)
    parts.push(`${formatSeconds(view.eta_seconds)} left`);
  return parts.join('  ');
}

/**
 * Shows progress as one line that is drawn again on a terminal, and elsewhere as plain lines, one for each new
 * phase and each tenth of the way: a log file is not filled with bars.
 */
export class ProgressDisplay {
  readonly #stream: NodeJS.WriteStream;
  readonly #isTerminal: boolean;
  #last = '';
  #lastPhase = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#isTerminal = stream.isTTY && process.env['TERM'] !== 'dumb';
  }

  show(view: ProgressView): void {
    const line = progressLine(view);
    if (this.#isTerminal) {
      if (line === this.#last) return;
      // A phase that has passed stays on the screen; the present one is drawn over.
      const done = this.#lastPhase !== '' && this.#lastPhase !== view.phase;
      if (done) this.#stream.write(`\r\x1b[K${styleText('green', '✓')} ${this.#lastPhase}\n`);
      this.#stream.write(`\r\x1b[K${styleText('cyan', '›')} ${line}`);
    } else {
      const tenth = view.total_bytes ? Math.floor(((view.processed_bytes ?? 0) / view.total_bytes) * 10) : 0;
      const key = `${view.phase} ${tenth} ${view.paused === true} ${view.waits_for ?? ''}`;
      if (key === this.#last) return;
      this.#stream.write(`${line}\n`);
      this.#last = key;
      this.#lastPhase = view.phase;
      return;
    }
    this.#last = line;
    this.#lastPhase = view.phase;
  }

  /** Leaves the line: what is printed next begins on a line of its own. */
  end(): void {
    if (this.#isTerminal && this.#last !== '') this.#stream.write('\r\x1b[K');
    this.#last = '';
  }
}
