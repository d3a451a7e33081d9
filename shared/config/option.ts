import { isIP } from 'node:net';
import { parseBytes, parseSeconds } from './quantities.ts';

/**
 * An option is declared once; parsing, checks, the sample file, docs/configuration.md and the static type of
 * `Configuration` all come from the declaration. docs/adding-an-option.md is the checklist.
 */
export interface Option<Value> {
  readonly type: OptionType;
  /** As a person would write it in the file. `$name` is substituted here too. Null: there is no value. */
  readonly default_text: string | null;
  /** For defaults that only the machine knows; `shown` is what the documents print. */
  readonly computed: { readonly shown: string; readonly compute: () => string } | null;
  /** True: each repetition of the key adds a value (oslo's MultiStrOpt). Else the last one wins. */
  readonly repeats: boolean;
  readonly secret: boolean;
  /** "1 to 65535", "one of: a, b": what the error message and the documents say. */
  readonly allowed: string;
  readonly unit: string | null;
  readonly help: string;
  /** Texts in the order of the file; only `repeats` gets more than one. Throws OptionValueError. */
  readonly parse: (texts: readonly string[]) => Value;
  /** Checks a value that did not come from a file. Throws OptionValueError. */
  readonly check: (value: Value) => Value;
}

export type OptionType =
  | 'string'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'choice'
  | 'list'
  | 'multi'
  | 'duration'
  | 'bytes'
  | 'path'
  | 'address'
  | 'url'
  | 'timetable';

// oxlint-disable-next-line typescript/no-explicit-any -- the one place where an option of any value is meant
export type AnyOption = Option<any>;
export type ValueOf<Declared extends AnyOption> = Declared extends Option<infer Value> ? Value : never;

/** A value that the option does not allow. Carries no value: it may be a secret. The loader adds file and line. */
export class OptionValueError extends Error {}

interface Common<Default> {
  readonly default: Default;
  readonly help: string;
  readonly unit?: string;
  readonly secret?: boolean;
  readonly computed?: { readonly shown: string; readonly compute: () => string };
}
interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
}
type Nullable<Base, Default> = Base | (Default extends null ? null : never);

/** Free text, or what `pattern` and `accepts` leave of it. */
export function string<const Default extends string | null>(
  declared: Common<Default> & {
    readonly pattern?: RegExp;
    readonly accepts?: (text: string) => boolean;
    readonly allowed?: string;
  },
): Option<Nullable<string, Default>> {
  const { pattern, accepts } = declared;
  return single('string', declared, declared.allowed ?? 'any text', (text) =>
    (pattern?.test(text) ?? true) && (accepts?.(text) ?? true) ? text : null,
  );
}

/** A file or folder name. Relative ones are taken from the folder of the configuration file. */
export function path<const Default extends string | null>(
  declared: Common<Default>,
): Option<Nullable<string, Default>> {
  return single('path', declared, 'a path', (text) => (text.includes('\0') ? null : text));
}

/** An IPv4 or IPv6 address. */
export function address<const Default extends string | null>(
  declared: Common<Default>,
): Option<Nullable<string, Default>> {
  return single('address', declared, 'an IP address', (text) => (isIP(text) === 0 ? null : text));
}

/** A URL with one of the schemes; whatever stands in it of user and password is never printed. */
export function url<const Default extends string | null>(
  declared: Common<Default> & { readonly schemes: readonly string[] },
): Option<Nullable<string, Default>> {
  const allowed = `a URL that starts with ${declared.schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return single('url', declared, allowed, (text) =>
    declared.schemes.some((scheme) => text.startsWith(`${scheme}://`)) ? text : null,
  );
}

export function boolean<const Default extends boolean | null>(
  declared: Common<Default>,
): Option<Nullable<boolean, Default>> {
  return single<boolean, Default>('boolean', declared, 'true or false (also yes/no, on/off, 1/0)', (text) => {
    if (/^(true|1|on|yes)$/i.test(text)) return true;
    return /^(false|0|off|no)$/i.test(text) ? false : null;
  });
}

export function integer<const Default extends number | null>(
  declared: Common<Default> & Bounds,
): Option<Nullable<number, Default>> {
  return bounded('integer', 'a whole number', declared, (text) =>
    /^[+-]?\d+$/.test(text) ? Number(text) : null,
  );
}

export function float<const Default extends number | null>(
  declared: Common<Default> & Bounds,
): Option<Nullable<number, Default>> {
  return bounded('float', 'a number', declared, (text) =>
    /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : null,
  );
}

/** Seconds, also with a suffix: 500ms, 10s, 5m, 2h, 1d. */
export function duration<const Default extends number | null>(
  declared: Common<Default> & Bounds,
): Option<Nullable<number, Default>> {
  return bounded(
    'duration',
    'seconds, or with a suffix ms, s, m, h, d',
    { unit: 'seconds', ...declared },
    parseSeconds,
  );
}

/** Bytes, also with a suffix: 100MB, 1.5GiB, 64M. */
export function bytes<const Default extends number | null>(
  declared: Common<Default> & Bounds,
): Option<Nullable<number, Default>> {
  return bounded(
    'bytes',
    'bytes, or with a suffix kB, MB, GB, KiB, MiB, GiB …',
    { unit: 'bytes', ...declared },
    parseBytes,
  );
}

/** One of a closed set of words. */
export function choice<const Choice extends string, const Default extends Choice | null>(
  declared: Common<Default> & { readonly choices: readonly Choice[] },
): Option<Nullable<Choice, Default>> {
  const allowed = `one of: ${declared.choices.join(', ')}`;
  return single<Choice, Default>(
    'choice',
    declared,
    allowed,
    (text) => declared.choices.find((choice) => choice === text) ?? null,
  );
}

/** Comma-separated values; empty items are dropped. When the key repeats, the last one counts (oslo's ListOpt). */
export function list(declared: Common<readonly string[]>): Option<readonly string[]> {
  return {
    ...describe(
      'list',
      { ...declared, default: declared.default.join(',') },
      'values with commas between them',
    ),
    parse: (texts) => splitList(texts.at(-1) ?? ''),
    check: (value) => value,
  };
}

/** One value per line of the file; repeating the key adds values (oslo's MultiStrOpt). */
export function multi(declared: Common<readonly string[]>): Option<readonly string[]> {
  return {
    ...describe(
      'multi',
      { ...declared, default: declared.default.length === 0 ? null : declared.default.join('\n') },
      'any text; repeat the line for more than one value',
    ),
    repeats: true,
    parse: (texts) => texts.filter((text) => text !== ''),
    check: (value) => value,
  };
}

function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function bounded<Default extends number | null>(
  type: OptionType,
  what: string,
  declared: Common<Default> & Bounds,
  read: (text: string) => number | null,
): Option<Nullable<number, Default>> {
  const { minimum = -Infinity, maximum = Infinity } = declared;
  return single<number, Default>(type, declared, `${what}${boundsText(minimum, maximum)}`, (text) => {
    const value = read(text);
    return value !== null && value >= minimum && value <= maximum ? value : null;
  });
}

function boundsText(minimum: number, maximum: number): string {
  if (Number.isFinite(minimum) && Number.isFinite(maximum)) return `, ${minimum} to ${maximum}`;
  if (Number.isFinite(minimum)) return `, at least ${minimum}`;
  return Number.isFinite(maximum) ? `, at most ${maximum}` : '';
}

function single<Value extends string | number | boolean, Default extends Value | null>(
  type: OptionType,
  declared: Common<Default>,
  allowed: string,
  read: (text: string) => Value | null,
): Option<Nullable<Value, Default>> {
  const mayBeNull = declared.default === null && declared.computed === undefined;
  const parseText = (text: string): Nullable<Value, Default> => {
    if (text === '' && mayBeNull) return null as Nullable<Value, Default>;
    const value = read(text);
    if (value === null) throw new OptionValueError(allowed);
    return value;
  };
  return {
    ...describe(
      type,
      { ...declared, default: declared.default === null ? null : String(declared.default) },
      allowed,
    ),
    parse: (texts) => parseText((texts.at(-1) ?? '').trim()),
    check: (value) => (value === null && mayBeNull ? value : parseText(String(value))),
  };
}

function describe(type: OptionType, declared: Common<string | null>, allowed: string) {
  return {
    type,
    default_text: declared.default,
    computed: declared.computed ?? null,
    repeats: false,
    secret: declared.secret ?? false,
    allowed,
    unit: declared.unit ?? null,
    help: declared.help,
  };
}
