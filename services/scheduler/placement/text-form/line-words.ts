import { nearestName } from '../../../../shared/config/nearest.ts';
import { hostName, type HostName } from '../../../../shared/domain/ids.ts';

/** The words of one line after its kind: a name, plain words and `key=value` pairs. Its errors are for the file's writer. */
export class LineWords {
  readonly line: number;
  readonly name: string;
  readonly plain: readonly string[];
  readonly pairs: ReadonlyMap<string, string>;

  constructor(line: number, name: string, words: readonly string[]) {
    this.line = line;
    this.name = name;
    this.plain = words.filter((word) => word.indexOf('=') < 1);
    this.pairs = new Map(
      words.flatMap((word): Array<[string, string]> => {
        const at = word.indexOf('=');
        return at < 1 ? [] : [[word.slice(0, at), word.slice(at + 1)]];
      }),
    );
  }

  text(key: string): string | undefined {
    return this.pairs.get(key);
  }

  number(key: string, otherwise: number): number {
    const text = this.pairs.get(key);
    if (text === undefined) return otherwise;
    const number = Number(text);
    if (text === '' || !Number.isFinite(number)) throw new Error(`${key} must be a number, not "${text}"`);
    return number;
  }

  /** `key=c1,c2` */
  hosts(key: string): readonly HostName[] {
    const names = (this.pairs.get(key) ?? '').split(',');
    return names.filter((name) => name !== '').map((name) => hostName(name));
  }

  /** All pairs whose key begins so, without that beginning. */
  under(prefix: string): Readonly<Record<string, string>> {
    const found = [...this.pairs].filter(([key]) => key.startsWith(prefix));
    return Object.fromEntries(found.map(([key, value]) => [key.slice(prefix.length), value]));
  }

  /** @throws Error with the nearest name for a key that nothing reads: a typing error must not change the answer. */
  allowOnly(keys: readonly string[], prefixes: readonly string[]): void {
    for (const key of this.pairs.keys()) {
      if (keys.includes(key) || prefixes.some((prefix) => key.startsWith(prefix))) continue;
      const nearest = nearestName(key, keys);
      throw new Error(`"${key}" is not known here${nearest === null ? '' : `; did you mean "${nearest}"?`}`);
    }
    const [stray] = this.plain;
    if (stray !== undefined) throw new Error(`"${stray}" is not key=value`);
  }
}
