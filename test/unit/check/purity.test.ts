import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPurity, describePurityProblem } from '../../../scripts/check/purity.ts';

const root = join(import.meta.dirname, '../../..');

test('placement and the migration machine are pure', () => {
  expect(checkPurity(root).map((problem) => describePurityProblem(problem))).toEqual([]);
});

describe('a project with one file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'purity-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function check(name: string, files: Record<string, string>) {
    for (const [file, text] of Object.entries(files)) {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return checkPurity(join(folder, name), ['core']);
  }

  test.each([
    ['a clock', 'export const now = () => Date.now();', /clock/],
    ['a new date', 'export const now = () => new Date();', /clock/],
    ['performance', 'export const now = () => performance.now();', /clock/],
    ['a random number', 'export const draw = () => Math.random();', /random/],
    ['crypto', 'export const id = () => crypto.randomUUID();', /crypto/],
    ['the environment', 'export const debug = process.env.DEBUG;', /process/],
    ['a timer', 'setTimeout(() => {}, 1);', /timer/],
    ['fetch', "export const get = () => fetch('http://x');", /network/],
    ['the console', "console.log('x');", /console/],
    ['a locale', 'export const text = (1).toLocaleString();', /locale/],
    ['globals', "export const clock = globalThis['Da' + 'te'];", /globals/],
    ['a promise', 'export async function decide() {}', /asynchronous/],
    ['code within a template', 'export const text = `at ${Date.now()}`;', /clock/],
    [
      'a module of Node',
      "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;",
      /module of Node/,
    ],
    ['a module of Node by its old name', "export { readFileSync } from 'fs';", /module of Node/],
    ['a package', "import pg from 'pg';\nexport { pg };", /package \(pg\)/],
    ['a bare import', "import 'pg';", /package \(pg\)/],
    ['a dynamic import', "export const load = () => import('pg');", /package \(pg\)/],
    [
      'an import over several lines',
      "import {\n  a,\n  b,\n} from 'pg';\nexport { a, b };",
      /package \(pg\)/,
    ],
    ['a file that is not there', "import './gone.ts';", /does not exist/],
  ])('%s is found', (name, text, message) => {
    const problems = check(name.replaceAll(' ', '-'), { 'core/file.ts': text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      file: 'core/file.ts',
      message: expect.stringMatching(message) as string,
    });
  });

  test.each([
    ['a comment', '// Date.now() would be wrong here\n/* Math.random() too */\nexport const x = 1;'],
    ['a text', "export const x = 'Date.now() and process.exit()';\nexport const y = `setTimeout ${x}`;"],
    [
      'a type alone',
      "import type { Pool } from 'pg';\nexport type P = Pool;\nexport const at: Date | null = null;",
    ],
    [
      'a similar name',
      'export const processing = { updateDate: 1 };\nexport const x = processing.updateDate;',
    ],
  ])('%s is no problem', (name, text) => {
    expect(check(name.replaceAll(' ', '-'), { 'core/file.ts': text })).toEqual([]);
  });

  test('what a pure file imports is checked too, with the way to it and its line', () => {
    const problems = check('chain', {
      'core/rule.ts': "import { middle } from '../shared/middle.ts';\nexport { middle };",
      'shared/middle.ts': "export { now as middle } from './far.ts';",
      'shared/far.ts': '// far\nexport const now = () => Date.now();',
      'shared/unused.ts': 'export const now = () => Date.now();',
    });
    expect(problems.map((problem) => describePurityProblem(problem))).toEqual([
      'shared/far.ts:2: reads the clock (Date); take the time as an argument ' +
        '(reached by core/rule.ts → shared/middle.ts → shared/far.ts)',
    ]);
  });
});
