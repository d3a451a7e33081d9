import { join } from 'node:path';
import { stringify } from 'yaml';
import { writePrivate } from './state.ts';
import type { World, WorldUser } from './world.ts';

/** What a person logs in with: user, password, and the project of the first role. */
export interface Access {
  readonly user: string;
  readonly password: string;
  readonly project: string;
}

const isAdministrator = (user: WorldUser) => user.roles.some(({ role }) => role === 'admin');

function accessOf(user: WorldUser | undefined): Access | null {
  const project = user?.roles[0]?.project;
  return user === undefined || project === undefined
    ? null
    : { user: user.name, password: user.password, project };
}

/** @throws Error for a world without an administrator */
export function administratorOf(world: World): Access {
  const access = accessOf(world.users.find(isAdministrator));
  if (access === null) throw new Error('the world has no user with the role admin');
  return access;
}

/** The user named demo, else the first who is no administrator. */
export function plainUserOf(world: World): Access | null {
  const plain = world.users.filter((user) => !isAdministrator(user));
  return accessOf(plain.find((user) => user.name === 'demo') ?? plain[0]);
}

/** In single quotes for a shell; a quote inside ends the text, is written escaped, and starts it again. */
const quoted = (value: string) => `'${value.replaceAll("'", String.raw`'\''`)}'`;

function openrc(access: Access, auth_url: string, region: string): string {
  const variables = {
    OS_AUTH_TYPE: 'password',
    OS_AUTH_URL: auth_url,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: access.user,
    OS_PASSWORD: access.password,
    OS_PROJECT_NAME: access.project,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: region,
    OS_INTERFACE: 'public',
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return [
    `# source this file, then: openstack server list`,
    // What another cloud's openrc has set must not mix with this one.
    'unset OS_CLOUD OS_TOKEN OS_PROJECT_ID OS_USER_ID OS_TENANT_NAME OS_TENANT_ID OS_DOMAIN_NAME OS_SYSTEM_SCOPE OS_CACERT',
    ...lines,
    '',
  ].join('\n');
}

function cloud(access: Access, auth_url: string, region: string): object {
  return {
    auth: {
      auth_url,
      username: access.user,
      password: access.password,
      project_name: access.project,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
    region_name: region,
    identity_api_version: 3,
    interface: 'public',
  };
}

/** Writes openrc, openrc-demo and clouds.yaml (clouds `drover` and `drover-demo`), readable by the owner alone. */
export function writeAccessFiles(folder: string, world: World, api_url: string): void {
  const auth_url = `${api_url}/identity/v3`;
  const admin = administratorOf(world);
  const plain = plainUserOf(world);
  const clouds: Record<string, object> = { drover: cloud(admin, auth_url, world.region) };
  writePrivate(join(folder, 'openrc'), openrc(admin, auth_url, world.region));
  if (plain !== null) {
    clouds['drover-demo'] = cloud(plain, auth_url, world.region);
    writePrivate(join(folder, 'openrc-demo'), openrc(plain, auth_url, world.region));
  }
  writePrivate(join(folder, 'clouds.yaml'), stringify({ clouds }));
}
