export type Scalar = string | number | boolean;

/** Walks JSON from outside and names the place where it is not what it should be. */
export class JsonReader {
  readonly place: string;
  readonly #value: unknown;

  constructor(value: unknown, place: string) {
    this.#value = value;
    this.place = place;
  }

  #member(name: string): unknown {
    return this.#object()[name];
  }

  #object(): Record<string, unknown> {
    if (typeof this.#value !== 'object' || this.#value === null) throw this.#wrong('an object');
    return this.#value as Record<string, unknown>;
  }

  #wrong(expected: string): Error {
    return new Error(
      `${this.place}: ${expected} expected, found ${JSON.stringify(this.#value) ?? 'nothing'}`,
    );
  }

  #child(name: string): JsonReader {
    return new JsonReader(this.#member(name), `${this.place}.${name}`);
  }

  asText(): string {
    if (typeof this.#value !== 'string') throw this.#wrong('a text');
    return this.#value;
  }

  text(name: string, fallback?: string): string {
    if (fallback !== undefined && this.#member(name) === undefined) return fallback;
    return this.#child(name).asText();
  }

  number(name: string, fallback?: number): number {
    const value = this.#member(name) ?? fallback;
    if (typeof value !== 'number') throw this.#child(name).#wrong('a number');
    return value;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#member(name) ?? fallback;
    if (typeof value !== 'boolean') throw this.#child(name).#wrong('true or false');
    return value;
  }

  list(name: string): JsonReader[] {
    const value = this.#member(name);
    if (!Array.isArray(value)) throw this.#child(name).#wrong('a list');
    return value.map((item: unknown, index) => new JsonReader(item, `${this.place}.${name}[${index}]`));
  }

  texts(name: string): Record<string, string> {
    const value = this.optional(name);
    if (value === null) return {};
    return Object.fromEntries(Object.entries(value.#object()).map(([key, text]) => [key, String(text)]));
  }

  optional(name: string): JsonReader | null {
    return this.#member(name) === undefined ? null : this.#child(name);
  }

  /** The members that are plain values. */
  scalars(): Record<string, Scalar> {
    const entries = Object.entries(this.#object()).filter(
      (entry): entry is [string, Scalar] =>
        typeof entry[1] === 'string' || typeof entry[1] === 'number' || typeof entry[1] === 'boolean',
    );
    return Object.fromEntries(entries);
  }
}
