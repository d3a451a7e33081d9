import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../shared/logging/logger.ts';
import { createPolicyRegistry } from '../../../shared/policy/default-registry.ts';
import { PolicyEnforcer } from '../../../shared/policy/enforcer.ts';
import { PolicyRegistry } from '../../../shared/policy/registry.ts';

const MIGRATE = 'os_compute_api:os-migrate-server:migrate';
const CONFIRM = 'os_compute_api:servers:confirm_resize';
const SHOW = 'os_compute_api:servers:show';

const person = (roles: string[], is_admin = roles.includes('admin'), project_id = 'p1') => ({
  user_id: 'u1',
  project_id,
  roles,
  is_admin,
});
const own = { project_id: 'p1', user_id: 'u1' };
const foreign = { project_id: 'p2', user_id: 'u2' };

let folder: string;
let lines: string[];
let moment = 1_000_000_000;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes the file with a new time, however fast the test is. */
function write(text: string, name = 'policy.yaml'): void {
  const file = join(folder, name);
  writeFileSync(file, text);
  moment += 10;
  utimesSync(file, moment, moment);
}

function enforcer(options: { enforce_new_defaults?: boolean } = {}) {
  return new PolicyEnforcer({
    registry: createPolicyRegistry(),
    policy_file: join(folder, 'policy.yaml'),
    policy_dirs: [join(folder, 'policy.d')],
    default_rule: 'default',
    enforce_new_defaults: options.enforce_new_defaults ?? false,
    log: createLogger({
      process_name: 'test',
      level: 'info',
      destination: { write: (line: string) => void lines.push(line) },
    }),
  });
}

describe("the defaults are Zed's", () => {
  test.each([
    [MIGRATE, person(['admin']), foreign, true],
    [MIGRATE, person(['member']), own, false],
    [MIGRATE, person(['weird'], true), own, true],
    [CONFIRM, person(['member']), own, true],
    [CONFIRM, person(['weird']), own, true],
    [CONFIRM, person(['member']), foreign, false],
    [CONFIRM, person(['admin']), foreign, true],
    [SHOW, person(['reader']), own, true],
    [SHOW, person(['reader']), foreign, false],
    ['os_compute_api:os-availability-zone:list', person([]), {}, true],
    ['compute:servers:resize:cross_cell', person(['admin']), own, false],
    ['os_compute_api:os-keypairs:show', person([]), own, true],
    ['os_compute_api:os-keypairs:show', person([]), foreign, false],
    ['os_compute_api:os-keypairs:show', person(['admin']), foreign, true],
  ])('%s %j %j: %s', (rule, credentials, target, allowed) => {
    expect(enforcer().check(rule, target, credentials)).toBe(allowed);
  });

  test.each([
    [CONFIRM, person(['member']), true],
    [CONFIRM, person(['weird']), false],
    [MIGRATE, person(['weird'], true), false],
  ])('enforce_new_defaults takes the older ones away: %s %j: %s', (rule, credentials, allowed) => {
    expect(enforcer({ enforce_new_defaults: true }).check(rule, own, credentials)).toBe(allowed);
  });
});

test("the refusal is Nova's text with the rule that was asked for", () => {
  expect(() => enforcer().authorize(MIGRATE, own, person(['member']))).toThrow(
    expect.objectContaining({
      code: 'policy_forbidden',
      http_status: 403,
      message: "Policy doesn't allow os_compute_api:os-migrate-server:migrate to be performed.",
    }) as Error,
  );
});

describe('files', () => {
  test('a change counts at once, and so does taking the file away', () => {
    const policy = enforcer();
    const allowed = () => policy.check(MIGRATE, own, person(['member']));
    expect(allowed()).toBe(false);
    write(`"${MIGRATE}": "role:member"`);
    expect(allowed()).toBe(true);
    write(`"${MIGRATE}": "role:admin"`);
    expect(allowed()).toBe(false);
    write(`"${MIGRATE}": "@"`);
    expect(allowed()).toBe(true);
    rmSync(join(folder, 'policy.yaml'));
    expect(allowed()).toBe(false);
  });

  test('an overridden rule no longer has its older default', () => {
    write(`"${CONFIRM}": "rule:project_member_or_admin"`);
    expect(enforcer().check(CONFIRM, own, person(['weird']))).toBe(false);
  });

  test('a base rule that is overridden counts in all that refer to it', () => {
    write('context_is_admin: "role:operator"\nadmin_api: "rule:context_is_admin"');
    expect(enforcer().check(MIGRATE, own, person(['operator'], false))).toBe(true);
    expect(enforcer().check(MIGRATE, own, person(['admin'], false))).toBe(false);
  });

  test('a rule of their own is an alias', () => {
    write(`movers: "role:mover"\n"${MIGRATE}": "rule:movers or rule:context_is_admin"`);
    expect(enforcer().check(MIGRATE, own, person(['mover']))).toBe(true);
  });

  test('files in policy_dirs win in the order of their names', () => {
    mkdirSync(join(folder, 'policy.d'));
    write(`"${MIGRATE}": "!"`);
    write(`"${MIGRATE}": "role:b"`, 'policy.d/20-b.yaml');
    write(`"${MIGRATE}": "role:a"`, 'policy.d/10-a.yaml');
    expect(enforcer().check(MIGRATE, own, person(['b']))).toBe(true);
    expect(enforcer().check(MIGRATE, own, person(['a']))).toBe(false);
  });

  test('a rule that cannot be understood allows nobody and is logged; the others count', () => {
    write(`"${MIGRATE}": "not nonsense"\n"${SHOW}": "@"`);
    const policy = enforcer();
    expect(policy.check(MIGRATE, own, person(['admin']))).toBe(false);
    expect(policy.check(SHOW, foreign, person([]))).toBe(true);
    expect(lines.join()).toContain('cannot be understood');
  });

  test('an http check is false and is logged', () => {
    write(`"${MIGRATE}": "http://x/"`);
    expect(enforcer().check(MIGRATE, own, person(['admin']))).toBe(false);
    expect(lines.join()).toContain('not supported');
  });

  test('a broken file stops the start with its line, but while running the rules stay', () => {
    write(`"${MIGRATE}": "role:member"`);
    const policy = enforcer();
    write(`"${MIGRATE}": "role:admin"\n"a: [`);
    expect(policy.check(MIGRATE, own, person(['member']))).toBe(true);
    expect(lines.join()).toContain('the rules stay as they were');
    expect(() => enforcer()).toThrow(/policy.yaml is not valid in line 2/);
  });

  test.each(['- a', 'text'])('%j is no policy file', (text) => {
    write(text);
    expect(() => enforcer()).toThrow(/is not valid/);
  });

  test('a rule that nobody declared falls back to `default`, else allows nobody', () => {
    expect(enforcer().check('unknown:rule', own, person(['admin']))).toBe(false);
    write('default: "role:admin"');
    expect(enforcer().check('unknown:rule', own, person(['admin']))).toBe(true);
    expect(enforcer().check('unknown:rule', own, person(['member']))).toBe(false);
  });
});

test('the same rule with two defaults is a mistake of the program', () => {
  const rule = { name: 'a', default: '@', description: '', operations: [] };
  expect(() => new PolicyRegistry().declare([rule, rule])).not.toThrow();
  expect(() => new PolicyRegistry().declare([rule, { ...rule, default: '!' }])).toThrow(/declared twice/);
  expect(() => new PolicyRegistry().declare([{ ...rule, default: 'nonsense' }])).toThrow(/no check/);
});
