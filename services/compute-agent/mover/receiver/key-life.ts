import type { Admission } from '../mover.ts';
import type { AdmissionRecord } from './admission-record.ts';

/** What a key's life is measured by. */
export interface KeyClock {
  /** Milliseconds after 1970. */
  readonly now: () => number;
  /** Has the keys looked at again and again, not keeping the process. The check never rejects. @returns what ends it */
  readonly every: (check: () => Promise<void>) => () => void;
}

/** Well within half of the shortest life that a key may be given. */
const CHECK_SECONDS = 10;

export const systemKeyClock: KeyClock = {
  now: () => Date.now(),
  every: (check) => {
    const timer = setInterval(() => void check(), CHECK_SECONDS * 1000).unref();
    return () => clearInterval(timer);
  },
};

/** When a key ends that is admitted now. */
export const endOfLife = (clock: KeyClock, { expires_in_seconds }: Admission): string =>
  new Date(clock.now() + expires_in_seconds * 1000).toISOString();

/** A migration that is admitted. */
interface KeyHolder {
  record: AdmissionRecord;
  /** Somebody sends. */
  readonly is_served: boolean;
}

/**
 * A copy may take longer than a key lives, and needs it again whenever its connection breaks. So a key that is being used
 * begins a new life when half of the last one is over. One that nobody uses ends by itself, and whose migration is
 * withdrawn with that.
 * @param write has the file and the records say so
 * @throws what `write` throws: then nothing is renewed, and the next call tries again
 */
export async function renewKeys(
  holders: Iterable<KeyHolder>,
  clock: KeyClock,
  write: (records: readonly AdmissionRecord[]) => Promise<unknown>,
): Promise<void> {
  const due = [...holders].filter(({ record, is_served }) => is_served && isDue(record, clock));
  if (due.length === 0) return;
  const ends_before = due.map(({ record }) => record.expires_at);
  for (const holder of due) {
    holder.record = { ...holder.record, expires_at: endOfLife(clock, holder.record) };
  }
  try {
    await write(due.map(({ record }) => record));
  } catch (error) {
    for (const [place, holder] of due.entries()) {
      const expires_at = ends_before[place] ?? holder.record.expires_at;
      holder.record = { ...holder.record, expires_at };
    }
    throw error;
  }
}

/** One that has ended stays so: whoever may go on is admitted anew. */
function isDue({ expires_at, expires_in_seconds }: AdmissionRecord, clock: KeyClock): boolean {
  const left_seconds = (Date.parse(expires_at) - clock.now()) / 1000;
  return left_seconds > 0 && left_seconds <= expires_in_seconds / 2;
}
