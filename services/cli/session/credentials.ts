import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CommandFailure, ExitCode } from '../exit-codes.ts';

/** How to log in, wherever it came from. */
export interface Credentials {
  readonly auth_url: string;
  readonly username: string;
  readonly password: string;
  readonly user_domain: string;
  readonly project: string;
  readonly project_domain: string;
  readonly region: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the usual OS_* variables, or a cloud of clouds.yaml when one is named (OS_CLOUD, --os-cloud).
 * A variable wins over the file's value, as with the openstack client.
 * @throws CommandFailure (usage) that names what is missing.
 */
export function readCredentials(environment: Environment, cloud_name: string | undefined): Credentials {
  const name = cloud_name ?? environment['OS_CLOUD'];
  const cloud = name === undefined ? {} : readCloud(name, environment);
  const auth = recordOf(cloud['auth']);
  const pick = (variable: string, ...keys: string[]): string | undefined => {
    const fromEnvironment = environment[variable];
    if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
    for (const key of keys) if (typeof auth[key] === 'string') return auth[key];
    return undefined;
  };
  const required = {
    OS_AUTH_URL: pick('OS_AUTH_URL', 'auth_url'),
    OS_USERNAME: pick('OS_USERNAME', 'username'),
    OS_PASSWORD: pick('OS_PASSWORD', 'password'),
    OS_PROJECT_NAME: pick('OS_PROJECT_NAME', 'project_name'),
  };
  const missing = Object.entries(required)
    .filter(([, value]) => value === undefined)
    .map(([variable]) => variable);
  if (missing.length > 0) {
    throw new CommandFailure(
      ExitCode.usage,
      `No credentials: ${missing.join(', ')} not set${name === undefined ? '' : ` by cloud '${name}'`}.`,
      'Run `source .run/openrc`, or name a cloud of clouds.yaml with --os-cloud.',
    );
  }
  return {
    auth_url: (required.OS_AUTH_URL ?? '').replace(/\/+$/, ''),
    username: required.OS_USERNAME ?? '',
    password: required.OS_PASSWORD ?? '',
    user_domain: pick('OS_USER_DOMAIN_NAME', 'user_domain_name', 'domain_name') ?? 'Default',
    project: required.OS_PROJECT_NAME ?? '',
    project_domain: pick('OS_PROJECT_DOMAIN_NAME', 'project_domain_name', 'domain_name') ?? 'Default',
    region:
      environment['OS_REGION_NAME'] ??
      (typeof cloud['region_name'] === 'string' ? cloud['region_name'] : null),
  };
}

function readCloud(name: string, environment: Environment): Readonly<Record<string, unknown>> {
  const places = cloudFiles(environment);
  const file = places.find((place) => existsSync(place));
  if (file === undefined) {
    throw new CommandFailure(
      ExitCode.usage,
      `No clouds.yaml found for cloud '${name}'; looked at ${places.join(', ')}.`,
    );
  }
  const clouds = recordOf(recordOf(parse(readFileSync(file, 'utf8')))['clouds']);
  if (clouds[name] === undefined) {
    throw new CommandFailure(
      ExitCode.usage,
      `Cloud '${name}' is not in ${file}; it has: ${Object.keys(clouds).join(', ') || 'none'}.`,
    );
  }
  return recordOf(clouds[name]);
}

function cloudFiles(environment: Environment): string[] {
  const named = environment['OS_CLIENT_CONFIG_FILE'];
  return [
    ...(named === undefined ? [] : [named]),
    'clouds.yaml',
    join(homedir(), '.config', 'openstack', 'clouds.yaml'),
    '/etc/openstack/clouds.yaml',
  ];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
