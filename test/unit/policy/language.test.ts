import { describe, expect, test } from 'vitest';
import { parseCheck, PolicySyntaxError } from '../../../shared/policy/check.ts';
import { evaluate } from '../../../shared/policy/evaluate.ts';

const rules: Record<string, unknown> = {
  yes: '@',
  no: '!',
  admin: 'role:admin',
  owner: 'project_id:%(project_id)s',
  circle: 'rule:circle_back',
  circle_back: 'rule:circle or !',
};
const lookUp = (name: string) => (name in rules ? parseCheck(rules[name]) : null);

const credentials = {
  user_id: 'u1',
  project_id: 'p1',
  roles: ['Member', 'auditor'],
  is_admin: false,
  domain_id: null,
  is_admin_project: true,
  level: 5,
  token: { project: { domain: { id: 'd1' } }, groups: [{ name: 'g1' }, { name: 'g2' }] },
};
const target = {
  project_id: 'p1',
  user_id: 'u2',
  role: 'auditor',
  nothing: null,
  'a.b': 'p1',
  nested: { owner: 'u1' },
};

const answer = (rule: unknown) => evaluate(parseCheck(rule), target, credentials, lookUp);

describe('true', () => {
  test.each([
    ['@'],
    [''],
    ['   '],
    [[]],
    [null],
    ['role:member'],
    ['role:AUDITOR'],
    ['role:%(role)s'],
    ['project_id:%(project_id)s'],
    ['project_id:p1'],
    ['project_id:%(a.b)s'],
    ['user_id:%(nested.owner)s'],
    ["'p1':%(project_id)s"],
    ['"p1":%(project_id)s'],
    ['5:5'],
    ['True:True'],
    ['level:5'],
    ['is_admin_project:True'],
    ['is_admin:False'],
    ['domain_id:None'],
    ['token.project.domain.id:d1'],
    ['token.groups.name:g2'],
    ['rule:yes'],
    ['rule:owner'],
    ['not role:admin'],
    ['NOT role:admin'],
    ['not not @'],
    ['role:admin or role:member'],
    ['role:member AND project_id:%(project_id)s'],
    ['(role:admin or role:member) and rule:owner'],
    ['@ or ! and !'],
    ['not (! or !)'],
    ['not ! and @'],
    ['! and ! or @'],
    ['not ! or ! and !'],
    ['((@))'],
    ['( @ )'],
    [['role:admin', 'role:member']],
    [
      [
        ['role:admin', 'rule:owner'],
        ['role:member', 'rule:owner'],
      ],
    ],
    [[[], ['@']]],
  ])('%j', (rule) => expect(answer(rule)).toBe(true));
});

describe('false', () => {
  test.each([
    ['!'],
    ['role:admin'],
    ['role:%(missing)s'],
    ['project_id:p2'],
    ['user_id:%(user_id)s'],
    ['project_id:%(missing)s'],
    ['domain_id:%(nothing)s'],
    ['missing:x'],
    ['missing.deeper:x'],
    ['roles.name:member'],
    ['constructor.name:Object'],
    ['is_admin:True'],
    ['rule:no'],
    ['rule:missing'],
    ['rule:circle'],
    ['http://example.test/check'],
    ['https://example.test/%(project_id)s'],
    ['not @'],
    ['@ and !'],
    ['(@ or !) and !'],
    ['not (@ and @)'],
    [[['role:member', 'role:admin']]],
    [[['role:admin'], ['!']]],
    [[[]]],
  ])('%j', (rule) => expect(answer(rule)).toBe(false));
});

describe('not understood', () => {
  test.each([
    ['nonsense'],
    ['not nonsense'],
    ['@ or'],
    ['and @'],
    ['(@'],
    ['@)'],
    ['@ @'],
    ['not'],
    [':x'],
    [5],
    [{ a: 1 }],
    [[5]],
    [[[['deep']]]],
  ])('%j', (rule) => expect(() => parseCheck(rule)).toThrow(PolicySyntaxError));
});
