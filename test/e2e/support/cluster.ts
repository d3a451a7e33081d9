import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { administratorOf, plainUserOf } from '../../../scripts/cluster/access-files.ts';
import { logIn, type Session } from '../../../scripts/cluster/api-session.ts';
import { readClusterDescription, type ClusterDescription } from '../../../scripts/cluster/cluster-json.ts';
import {
  loadProcesses,
  loadState,
  type ClusterState,
  type ProcessTable,
} from '../../../scripts/cluster/state.ts';

export const root = join(import.meta.dirname, '../../..');

export interface Outcome {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Clusters end to end have servers of their own, whatever the functional tests were given. */
const { DROVER_DATABASE_URL: _database, DROVER_TRANSPORT_URL: _transport, ...ownServers } = process.env;

/** Runs a program to its end with an argument array. Never throws for an exit code. */
export function runProgram(
  file: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = ownServers,
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      file,
      [...words],
      { cwd: root, env: environment, maxBuffer: 64 * 1024 * 1024, timeout: 170_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ exit_code: code, stdout, stderr });
      },
    );
  });
}

/** A private cluster as a person starts it: through scripts/up. */
export class TestCluster {
  readonly folder: string;

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `drover-e2e-${name}-`));
    chmodSync(this.folder, 0o711);
  }

  /** @throws Error with all that scripts/up said, unless it succeeds */
  async up(...words: string[]): Promise<Outcome> {
    const outcome = await runProgram(join(root, 'scripts/up'), ['--dir', this.folder, ...words]);
    if (outcome.exit_code !== 0)
      throw new Error(`scripts/up: ${outcome.exit_code}\n${outcome.stdout}${outcome.stderr}`);
    return outcome;
  }

  async down(): Promise<Outcome> {
    const outcome = await runProgram(join(root, 'scripts/down'), ['--dir', this.folder]);
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
    return outcome;
  }

  get description(): ClusterDescription {
    return readClusterDescription(this.folder);
  }

  get state(): ClusterState {
    const state = loadState(this.folder);
    if (state === null) throw new Error(`no cluster in ${this.folder}`);
    return state;
  }

  get processes(): ProcessTable {
    return loadProcesses(this.folder);
  }

  get apiUrl(): string {
    return this.description.urls.compute.replace('/compute/v2.1', '');
  }

  logInAsAdmin(): Promise<Session> {
    return logIn(this.apiUrl, administratorOf(this.state.world));
  }

  logInAsDemo(): Promise<Session> {
    const access = plainUserOf(this.state.world);
    if (access === null) throw new Error('the world has no plain user');
    return logIn(this.apiUrl, access);
  }

  /** Runs a program after nothing but `source openrc` (or openrc-demo), as a person would. */
  withOpenrc(openrc: 'openrc' | 'openrc-demo', file: string, ...words: string[]): Promise<Outcome> {
    const { PATH = '', HOME = '' } = process.env;
    return runProgram(
      '/bin/sh',
      ['-c', '. "$1"; shift; exec "$@"', 'sh', join(this.folder, openrc), file, ...words],
      {
        PATH,
        HOME,
      },
    );
  }

  /**
   * The unmodified openstack client. Words are parted at blanks.
   * @returns its standard output @throws Error when it fails
   */
  async openstack(words: string): Promise<string> {
    const outcome = await this.withOpenrc('openrc', 'openstack', ...words.split(' '));
    if (outcome.exit_code !== 0)
      throw new Error(`openstack ${words}: ${outcome.exit_code}\n${outcome.stdout}${outcome.stderr}`);
    return outcome.stdout.trimEnd();
  }

  async openstackJson<Answer>(words: string): Promise<Answer> {
    return JSON.parse(await this.openstack(`${words} -f json`)) as Answer;
  }
}
