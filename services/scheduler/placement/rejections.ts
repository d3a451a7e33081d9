import type { HostName } from '../../../shared/domain/ids.ts';
import type { Rejection, RejectionGroup, Rejections, Verdict } from './model.ts';

type Reject = Extract<Verdict, { pass: false }>;

/** What all rejections of one group share. */
export interface GroupHead {
  readonly filter: string;
  readonly code: string;
  readonly message: string;
  readonly unit?: string;
  readonly asked?: number | string;
  readonly available?: string;
}

/**
 * Collects the rejections of one decision as two numbers per host: which group, and how much it had. Nothing is
 * written out as text while a decision runs.
 */
export class RejectionCollector {
  readonly #group_of_row: Uint32Array;
  readonly #available_of_row: Float64Array;
  readonly #heads: GroupHead[] = [];
  readonly #group_by_key = new Map<string, number>();
  #length = 0;

  constructor(rows: number) {
    this.#group_of_row = new Uint32Array(rows);
    this.#available_of_row = new Float64Array(rows);
  }

  /** A number for this head, to be given to `add`. */
  open(head: GroupHead): number {
    this.#heads.push(head);
    return this.#heads.length;
  }

  /** @param available NaN when there is no number */
  add(row: number, group: number, available: number): void {
    this.#group_of_row[row] = group;
    this.#available_of_row[row] = available;
    this.#length += 1;
  }

  /** For rules that answer with whole verdicts: equal ones share a group. */
  addVerdict(row: number, filter: string, verdict: Reject): void {
    const { group, available } = this.groupOf(filter, verdict);
    this.add(row, group, available);
  }

  groupOf(filter: string, verdict: Reject): { readonly group: number; readonly available: number } {
    const { code, message, asked, available, unit } = verdict;
    const text = typeof available === 'string' ? available : undefined;
    const key = [filter, code, message, asked ?? '', text ?? '', unit ?? ''].join('\u0000');
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

  finish(names: readonly HostName[]): Rejections {
    return new ColumnarRejections(
      names,
      this.#heads,
      this.#group_of_row,
      this.#available_of_row,
      this.#length,
    );
  }
}

class ColumnarRejections implements Rejections {
  readonly length: number;
  readonly #names: readonly HostName[];
  readonly #heads: readonly GroupHead[];
  readonly #group_of_row: Uint32Array;
  readonly #available_of_row: Float64Array;
  #groups: readonly RejectionGroup[] | null = null;

  constructor(
    names: readonly HostName[],
    heads: readonly GroupHead[],
    group_of_row: Uint32Array,
    available_of_row: Float64Array,
    length: number,
  ) {
    this.#names = names;
    this.#heads = heads;
    this.#group_of_row = group_of_row;
    this.#available_of_row = available_of_row;
    this.length = length;
  }

  *[Symbol.iterator](): Generator<Rejection> {
    for (let row = 0; row < this.#group_of_row.length; row += 1) {
      const rejection = this.#at(row);
      if (rejection !== undefined) yield rejection;
    }
  }

  of(host: HostName): Rejection | undefined {
    return this.#at(this.#names.indexOf(host));
  }

  groups(): readonly RejectionGroup[] {
    this.#groups ??= this.#buildGroups();
    return this.#groups;
  }

  toJSON(): readonly RejectionGroup[] {
    return this.groups();
  }

  #at(row: number): Rejection | undefined {
    const head = this.#heads[(this.#group_of_row[row] ?? 0) - 1];
    const host = this.#names[row];
    if (head === undefined || host === undefined) return undefined;
    return rejectionOf(head, host, this.#available_of_row[row] ?? Number.NaN);
  }

  #buildGroups(): readonly RejectionGroup[] {
    const hosts: HostName[][] = this.#heads.map(() => []);
    const availables: number[][] = this.#heads.map(() => []);
    for (let row = 0; row < this.#group_of_row.length; row += 1) {
      const group = (this.#group_of_row[row] ?? 0) - 1;
      const name = this.#names[row];
      if (group < 0 || name === undefined) continue;
      hosts[group]?.push(name);
      const available = this.#available_of_row[row] ?? Number.NaN;
      if (!Number.isNaN(available)) availables[group]?.push(available);
    }
    return this.#heads.flatMap((head, index) => {
      const members = hosts[index] ?? [];
      const numbers = availables[index] ?? [];
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

  groups(): readonly RejectionGroup[] {
    return this.#groups;
  }

  toJSON(): readonly RejectionGroup[] {
    return this.#groups;
  }
}

/** One host's rejection with its sentence. `number` is NaN when the group counts nothing. */
export function rejectionOf(head: GroupHead, host: HostName, number: number): Rejection {
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
