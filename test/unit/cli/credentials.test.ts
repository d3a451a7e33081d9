import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readCredentials } from '../../../services/cli/session/credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'clouds.yaml');
writeFileSync(
  file,
  `clouds:
  private:
    auth: { auth_url: http://a/v3, username: u, password: p, project_name: x, user_domain_name: D }
    region_name: R
`,
);
const variables = {
  OS_AUTH_URL: 'http://k/v3/',
  OS_USERNAME: 'admin',
  OS_PASSWORD: 'secret',
  OS_PROJECT_NAME: 'admin',
};

test('variables of an openrc', () => {
  expect(readCredentials(variables, undefined)).toMatchObject({
    auth_url: 'http://k/v3',
    user_domain: 'Default',
  });
});

test('a cloud of clouds.yaml, over which a variable wins', () => {
  const environment = { OS_CLIENT_CONFIG_FILE: file, OS_PROJECT_NAME: 'y' };
  expect(readCredentials(environment, 'private')).toMatchObject({
    auth_url: 'http://a/v3',
    username: 'u',
    project: 'y',
    user_domain: 'D',
    region: 'R',
  });
});

test('what is missing is named, and never what is there', () => {
  const { OS_PASSWORD: _password, ...rest } = variables;
  expect(() => readCredentials(rest, undefined)).toThrow('No credentials: OS_PASSWORD not set.');
});

test('an unknown cloud is answered with those that exist', () => {
  expect(() => readCredentials({ OS_CLIENT_CONFIG_FILE: file }, 'nope')).toThrow(/it has: private/);
});
