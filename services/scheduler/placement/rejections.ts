import type { HostName } from '../../../shared/domain/ids.ts';
import type { Scratch } from './columns.ts';
import type {
  Rejection,
  RejectionColumns,
  RejectionGroup,
  RejectionHead,
  Rejections,
  Verdict,
} from './decision.ts';

export type Reject = Extract<Verdict, { pass: false }>;

/**
 * Collects the rejections of one decision as two numbers per host: which group, and how much it had. Nothing is
 * written out as text while a decision runs.
 */
export class RejectionCollector {
  readonly #scratch: Scratch;
  readonly #heads: RejectionHead[] = [];
  readonly #group_by_key = new Map<string, number>();
  #length = 0;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  /** A number for this head, to be given to `add`. */
  open(head: RejectionHead): number {
    this.#heads.push(head);
    return this.#heads.length - 1;
  }

  /** @param available NaN when there is no number */
  add(row: number, group: number, available: number): void {
    this.#scratch.rejected_rows[this.#length] = row;
    this.#scratch.rejected_groups[this.#length] = group;
    this.#scratch.rejected_available[this.#length] = available;
    this.#length += 1;
  }

  /** The group of a whole verdict: equal ones share it. */
  groupOf(filter: string, verdict: Reject): { readonly group: number; readonly available: number } {
    const { code, message, asked, available, unit } = verdict;
    const text = typeof available === 'string' ? available : undefined;
    const key = `${filter}\u0000${code}\u0000${message}\u0000${asked ?? ''}\u0000${text ?? ''}\u0000${unit ?? ''}`;
    let group = this.#group_by_key.get(key);
    if (group === undefined) {
      group = this.open({
        filter,
        code,
        message,
        ...(unit === undefined ? {} : { unit }),
        ...(asked === undefined ? {} : { asked }),
        ...(text === undefined ? {} : { available: text }),
      });
      this.#group_by_key.set(key, group);
    }
    return { group, available: typeof available === 'number' ? available : Number.NaN };
  }

  /** What was collected, copied out of the scratch arrays. */
  finish(names: readonly HostName[]): Rejections {
    return new ColumnarRejections({
      names,
      heads: this.#heads,
      rows: this.#scratch.rejected_rows.slice(0, this.#length),
      groups: this.#scratch.rejected_groups.slice(0, this.#length),
      available: this.#scratch.rejected_available.slice(0, this.#length),
    });
  }
}

class ColumnarRejections implements Rejections {
  readonly #collected: RejectionColumns;
  #groups: readonly RejectionGroup[] | null = null;

  constructor(collected: RejectionColumns) {
    this.#collected = collected;
  }

  get length(): number {
    return this.#collected.rows.length;
  }

  columns(): RejectionColumns {
    return this.#collected;
  }

  *[Symbol.iterator](): Generator<Rejection> {
    for (let place = 0; place < this.length; place += 1) {
      const rejection = this.#at(place);
      if (rejection !== undefined) yield rejection;
    }
  }

  of(host: HostName): Rejection | undefined {
    const row = this.#collected.names.indexOf(host);
    return row < 0 ? undefined : this.#at(this.#collected.rows.indexOf(row));
  }

  groups(): readonly RejectionGroup[] {
    this.#groups ??= this.#buildGroups();
    return this.#groups;
  }

  toJSON(): readonly RejectionGroup[] {
    return this.groups();
  }

  #at(place: number): Rejection | undefined {
    const { names, heads, rows, groups, available } = this.#collected;
    const head = heads[groups[place] ?? -1];
    const host = names[rows[place] ?? -1];
    return head === undefined || host === undefined
      ? undefined
      : rejectionOf(head, host, available[place] ?? Number.NaN);
  }

  #buildGroups(): readonly RejectionGroup[] {
    const { names, heads, rows, groups, available } = this.#collected;
    const hosts: HostName[][] = heads.map(() => []);
    const availables: number[][] = heads.map(() => []);
    for (let place = 0; place < rows.length; place += 1) {
      const group = groups[place] ?? 0;
      const name = names[rows[place] ?? 0];
      const number = available[place] ?? Number.NaN;
      if (name !== undefined) hosts[group]?.push(name);
      if (!Number.isNaN(number)) availables[group]?.push(number);
    }
    return heads.flatMap((head, group) => {
      const members = hosts[group] ?? [];
      const numbers = availables[group] ?? [];
      if (members.length === 0) return [];
      return [
        { ...head, hosts: members, ...(numbers.length === members.length ? { availables: numbers } : {}) },
      ];
    });
  }
}

/** Rejections read back from a stored record. */
export class RecordedRejections implements Rejections {
  readonly length: number;
  readonly #groups: readonly RejectionGroup[];

  constructor(groups: readonly RejectionGroup[]) {
    this.#groups = groups;
    this.length = groups.reduce((sum, group) => sum + group.hosts.length, 0);
  }

  *[Symbol.iterator](): Generator<Rejection> {
    for (const group of this.#groups) {
      for (const [index, host] of group.hosts.entries()) {
        yield rejectionOf(group, host, group.availables?.[index] ?? Number.NaN);
      }
    }
  }

  of(host: HostName): Rejection | undefined {
    for (const group of this.#groups) {
      const index = group.hosts.indexOf(host);
      if (index >= 0) return rejectionOf(group, host, group.availables?.[index] ?? Number.NaN);
    }
    return undefined;
  }

  columns(): null {
    return null;
  }

  groups(): readonly RejectionGroup[] {
    return this.#groups;
  }

  toJSON(): readonly RejectionGroup[] {
    return this.#groups;
  }
}

/** One host's rejection with its sentence. `number` is NaN when the group counts nothing. */
export function rejectionOf(head: RejectionHead, host: HostName, number: number): Rejection {
  const available = head.available ?? (Number.isNaN(number) ? undefined : number);
  const { filter, code, message, asked } = head;
  return {
    host,
    filter,
    code,
    message: sentence(message, asked, available),
    ...(asked === undefined ? {} : { asked }),
    ...(available === undefined ? {} : { available }),
  };
}

/** Fills `{asked}`, `{available}` and `{short}` of a verdict's message. */
export function sentence(
  message: string,
  asked: number | string | undefined,
  available: number | string | undefined,
): string {
  return message.replaceAll(/\{(asked|available|short)\}/g, (place, name: string) => {
    if (name === 'asked') return asked === undefined ? place : String(asked);
    if (name === 'available') return available === undefined ? place : readable(available);
    return typeof asked === 'number' && typeof available === 'number' ? readable(asked - available) : place;
  });
}

/** Ratios make fractions of megabytes; nobody needs more than two digits of them. */
function readable(value: number | string): string {
  return typeof value === 'string' ? value : String(Math.round(value * 100) / 100);
}
