import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules, stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The decision core must be replayable: same input, same output. So nothing in these folders, and nothing that they
 * import, may do I/O, read a clock, draw a random number or look at the process. Imports of types alone are free:
 * they do not exist at run time.
 *
 * The check works on the text after its types are stripped: comments and strings are blanked, and what remains is
 * searched for forbidden words. It is no proof against intent (`globalThis['Da' + 'te']`); it catches the accident.
 */
export const pureFolders = ['services/scheduler/placement', 'services/scheduler/migration'] as const;

export interface PurityProblem {
  /** Relative to the root. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
  /** How a pure file reaches this one; only the file itself where it is one. */
  readonly path: readonly string[];
}

const forbiddenNames: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bDate\b/, 'reads the clock (Date); take the time as an argument'],
  [/\bTemporal\.Now\b/, 'reads the clock (Temporal.Now); take the time as an argument'],
  [/\bperformance\b/, 'reads the clock (performance); take the time as an argument'],
  [/\bMath\s*\.\s*random\b/, 'draws a random number (Math.random); use the seeded generator'],
  [/\bcrypto\b/, 'uses crypto; take ids and random values as arguments'],
  [/\bprocess\s*\.(?!\s*env\b\s*:)/, 'looks at the process'],
  [/\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/, 'uses a timer'],
  [/\bfetch\s*\(/, 'speaks to the network (fetch)'],
  [/\bconsole\b/, 'writes to the console'],
  [/\b(?:globalThis|eval)\b|\bnew\s+Function\b/, 'reaches for globals'],
  [/\basync\b|\bawait\b/, 'is asynchronous; the core is synchronous'],
  [/\bIntl\b/, "depends on the machine's locale (Intl)"],
];

/** With its locale named, the same everywhere. Looked for where strings are still there. */
const localePattern = /\.toLocale[A-Z]\w*\((?!'en-US')/;

const builtins = new Set(builtinModules);

/** Checks every .ts file below the folders, with all that they import. Empty: they are pure. */
export function checkPurity(
  root: string,
  folders: readonly string[] = pureFolders,
): readonly PurityProblem[] {
  const problems: PurityProblem[] = [];
  const visited = new Set<string>();

  const visit = (file: string, via: readonly string[]) => {
    if (visited.has(file)) return;
    visited.add(file);
    const name = relative(root, file);
    const path = [...via, name];
    const code = blank(stripTypeScriptTypes(readFileSync(file, 'utf8'), { mode: 'strip' }));
    code.bare.split('\n').forEach((text, index) => {
      for (const [pattern, message] of forbiddenNames)
        if (pattern.test(text)) problems.push({ file: name, line: index + 1, message, path });
    });
    code.withStrings.split('\n').forEach((text, index) => {
      if (localePattern.test(text))
        problems.push({ file: name, line: index + 1, message: "depends on the machine's locale", path });
    });
    for (const { specifier, line } of importsOf(code.withStrings)) {
      const imported = resolve(dirname(file), specifier);
      if (specifier.startsWith('.')) {
        if (existsSync(imported)) visit(imported, path);
        else problems.push({ file: name, line, message: `imports ${specifier}, which does not exist`, path });
      } else {
        const kind =
          specifier.startsWith('node:') || builtins.has(specifier) ? 'a module of Node' : 'a package';
        problems.push({ file: name, line, message: `imports ${kind} (${specifier})`, path });
      }
    }
  };

  for (const folder of folders) for (const file of sourcesBelow(join(root, folder))) visit(file, []);
  return problems;
}

/** One line per problem, for people. */
export function describePurityProblem(problem: PurityProblem): string {
  const reached = problem.path.length > 1 ? ` (reached by ${problem.path.join(' → ')})` : '';
  return `${problem.file}:${problem.line}: ${problem.message}${reached}`;
}

function sourcesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Static, re-exporting and dynamic imports of the stripped text (imports of types are gone from it). */
function importsOf(code: string): ReadonlyArray<{ specifier: string; line: number }> {
  const pattern = /\bimport\s*\(\s*(['"])([^'"]+)\1|\b(?:import|export)\b[^;'"()]*?(['"])([^'"]+)\3/g;
  return [...code.matchAll(pattern)]
    .filter((match) => match[2] !== undefined || /^import\s*['"]|\bfrom\s*['"]/.test(match[0]))
    .map((match) => ({
      specifier: match[2] ?? match[4] ?? '',
      line: code.slice(0, match.index).split('\n').length,
    }));
}

/**
 * Blanks comments, and strings too in `bare`, keeping every line where it was. Code within `${…}` stays code. Regular
 * expressions are taken for code: one that holds a quote could hide what follows on its line, nothing more.
 */
function blank(source: string): { bare: string; withStrings: string } {
  let bare = '';
  let withStrings = '';
  const add = (text: string, kind: 'code' | 'string' | 'comment') => {
    const spaces = text.replaceAll(/[^\n]/g, ' ');
    bare += kind === 'code' ? text : spaces;
    withStrings += kind === 'comment' ? spaces : text;
  };
  /** Depths of braces at which a template goes on. */
  const templates: number[] = [];
  let depth = 0;
  let position = 0;
  const takeTemplate = () => {
    const part = /^(?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{|$)/.exec(source.slice(position))?.[0] ?? '';
    add(part, 'string');
    position += part.length;
    if (part.endsWith('${')) {
      templates.push(depth);
      depth += 1;
    }
  };
  while (position < source.length) {
    const rest = source.slice(position, position + 4096);
    const comment = /^(?:\/\/[^\n]*|\/\*[\s\S]*?\*\/)/.exec(
      rest.startsWith('/*') ? source.slice(position) : rest,
    )?.[0];
    const text = /^(?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")/.exec(rest)?.[0];
    const character = source[position] ?? '';
    if (comment !== undefined) {
      add(comment, 'comment');
      position += comment.length;
    } else if (text !== undefined) {
      add(text, 'string');
      position += text.length;
    } else {
      add(character, character === '`' ? 'string' : 'code');
      position += 1;
      if (character === '`') takeTemplate();
      else if (character === '{') depth += 1;
      else if (character === '}') {
        depth -= 1;
        if (templates.at(-1) === depth) {
          templates.pop();
          takeTemplate();
        }
      }
    }
  }
  return { bare, withStrings };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkPurity(fileURLToPath(new URL('../..', import.meta.url)));
  for (const problem of problems) process.stderr.write(`${describePurityProblem(problem)}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
