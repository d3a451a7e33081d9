import type { AnyOption, ValueOf } from './option.ts';

/** One `[section]` of the file with its options. */
export interface Section<Name extends string, Options extends Record<string, AnyOption>> {
  readonly name: Name;
  readonly help: string;
  readonly options: Options;
}

export type AnySection = Section<string, Record<string, AnyOption>>;
export type ValuesOf<Declared extends AnySection> = {
  readonly [Name in keyof Declared['options']]: ValueOf<Declared['options'][Name]>;
};

/** Declares a section. Option names are Nova's where Nova has the option. */
export function defineSection<const Name extends string, const Options extends Record<string, AnyOption>>(
  name: Name,
  help: string,
  options: Options,
): Section<Name, Options> {
  return { name, help, options };
}
