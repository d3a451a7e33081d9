import { readFileSync } from 'node:fs';
import { DroverError } from '../errors/drover-error.ts';
import { parseIni, type IniAssignment } from './ini.ts';
import { nearestName } from './nearest.ts';
import { isKnownNovaOption, isKnownNovaSection } from './nova-options.ts';
import { OptionValueError, type AnyOption } from './option.ts';
import type { AnySection } from './section.ts';
import { substitute } from './substitute.ts';

export type SectionValues = Record<string, Record<string, unknown>>;

export interface LoadOutcome {
  readonly values: SectionValues;
  /** Sentences for the log: what the file says that has no effect here. */
  readonly warnings: readonly string[];
}

/**
 * Reads INI files (later ones win) against declared sections. Everything that is wrong is found and reported
 * together, each with file and line.
 * @throws DroverError configuration_unreadable, configuration_invalid
 */
export function loadSections(sections: readonly AnySection[], files: readonly string[]): LoadOutcome {
  const content = files.map((file) => parseIni(readText(file), file));
  const problems = content.flatMap((one) =>
    one.problems.map((problem) => `${problem.file}:${problem.line}: ${problem.message}`),
  );
  const declared = new Map(sections.map((section) => [section.name, section]));
  const assigned = new Map<string, IniAssignment[]>();
  const unused = new Set<string>();

  for (const assignment of content.flatMap((one) => one.assignments)) {
    const problem = checkName(declared, assignment);
    if (problem === 'unused') unused.add(`[${assignment.section}] ${assignment.name}`);
    else if (problem !== null) problems.push(`${assignment.file}:${assignment.line}: ${problem}`);
    const key = `${assignment.section}.${assignment.name}`;
    assigned.set(key, [...(assigned.get(key) ?? []), assignment]);
  }

  const resolver = new Resolver(declared, assigned);
  const values: SectionValues = {};
  for (const section of sections) {
    const own: Record<string, unknown> = (values[section.name] = {});
    for (const [name, option] of Object.entries(section.options)) {
      try {
        own[name] = resolver.value(section.name, name, option);
      } catch (error) {
        if (!(error instanceof OptionValueError)) throw error;
        problems.push(error.message);
      }
    }
  }
  if (problems.length > 0) {
    // A mistake in an option that others refer to is found once per reference.
    const distinct = [...new Set(problems)];
    throw new DroverError('configuration_invalid', { count: distinct.length, problems: distinct.join('\n') });
  }
  const warnings =
    unused.size === 0
      ? []
      : [`Options known to Nova that Drover does not use have no effect: ${[...unused].join(', ')}`];
  return { values, warnings };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DroverError('configuration_unreadable', { file, reason }, { cause: error });
  }
}

/** Null: declared. 'unused': Nova has it, we do not. Else the sentence for the person. */
function checkName(
  declared: ReadonlyMap<string, AnySection>,
  { section, name }: IniAssignment,
): string | null {
  const known = declared.get(section);
  if (known !== undefined && Object.hasOwn(known.options, name)) return null;
  if (isKnownNovaOption(section, name)) return 'unused';
  if (known === undefined) {
    if (isKnownNovaSection(section)) return 'unused';
    const near = nearestName(section, declared.keys());
    return `unknown section [${section}]${near === null ? '' : `; did you mean [${near}]?`}`;
  }
  const near = nearestName(name, Object.keys(known.options));
  const elsewhere = [...declared.values()].find((other) => Object.hasOwn(other.options, name));
  if (elsewhere !== undefined)
    return `unknown option "${name}" in [${section}]; it belongs into [${elsewhere.name}]`;
  return `unknown option "${name}" in [${section}]${near === null ? '' : `; did you mean "${near}"?`}`;
}

/** Finds the texts of options, fills in what they refer to, and parses them. */
class Resolver {
  readonly #declared: ReadonlyMap<string, AnySection>;
  readonly #assigned: ReadonlyMap<string, readonly IniAssignment[]>;

  constructor(
    declared: ReadonlyMap<string, AnySection>,
    assigned: ReadonlyMap<string, readonly IniAssignment[]>,
  ) {
    this.#declared = declared;
    this.#assigned = assigned;
  }

  value(section: string, name: string, option: AnyOption): unknown {
    const assignments = this.#assigned.get(`${section}.${name}`);
    const last = assignments?.at(-1);
    const where = this.#where(section, name, last);
    const texts = this.#texts(section, name, option, [`${section}.${name}`]);
    if (texts.length === 0 && !option.repeats) return null;
    try {
      return option.parse(texts);
    } catch (error) {
      if (!(error instanceof OptionValueError)) throw error;
      const found = option.secret ? 'a value that is not shown, because it is a secret' : quote(texts.at(-1));
      throw new OptionValueError(`${where}: [${section}] ${name} is ${found}, but must be ${error.message}`, {
        cause: error,
      });
    }
  }

  #texts(
    section: string,
    name: string,
    option: AnyOption | undefined,
    chain: readonly string[],
  ): readonly string[] {
    const assignments = this.#assigned.get(`${section}.${name}`);
    const raw =
      assignments?.map((assignment) => assignment.value) ??
      (option?.computed ? [option.computed.compute()] : null) ??
      option?.default_text?.split('\n') ??
      [];
    const counted = option?.repeats === true ? raw : raw.slice(-1);
    return counted.map((text) =>
      substitute(text, (reference) =>
        this.#reference(reference, section, chain, this.#where(section, name, assignments?.at(-1))),
      ),
    );
  }

  #where(section: string, name: string, assignment: IniAssignment | undefined): string {
    return assignment === undefined
      ? `default of [${section}] ${name}`
      : `${assignment.file}:${assignment.line}`;
  }

  #reference(reference: string, from: string, chain: readonly string[], where: string): string {
    const dot = reference.indexOf('.');
    const places =
      dot < 0
        ? [
            [from, reference],
            ['DEFAULT', reference],
          ]
        : [[reference.slice(0, dot), reference.slice(dot + 1)]];
    for (const [section = '', name = ''] of places) {
      const option = this.#declared.get(section)?.options[name];
      const key = `${section}.${name}`;
      if (option === undefined && !this.#assigned.has(key)) continue;
      if (chain.includes(key))
        throw new OptionValueError(
          `${where}: "$${reference}" goes round in a circle: ${[...chain, key].join(' → ')}`,
        );
      const text = this.#texts(section, name, option, [...chain, key]).at(-1);
      if (text === undefined)
        throw new OptionValueError(`${where}: "$${reference}" refers to an option that has no value`);
      return text;
    }
    throw new OptionValueError(
      `${where}: "$${reference}" refers to an option that does not exist; a dollar sign itself is written "$$"`,
    );
  }
}

function quote(text: string | undefined): string {
  return text === undefined || text === '' ? 'empty' : `"${text}"`;
}
