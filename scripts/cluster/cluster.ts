import { mkdirSync } from 'node:fs';
import type { ServerUrls } from './configuration-files.ts';
import { isAlive, type ProcessRecord } from './processes.ts';
import { changedState, newState, type StartOptions } from './new-state.ts';
import { databaseUrl, transportUrl } from './start-servers.ts';
import {
  clusterPaths,
  loadProcesses,
  loadState,
  lockFolder,
  saveProcesses,
  saveState,
  type ClusterState,
  type ProcessTable,
} from './state.ts';

/** One cluster while `up` works on it: its state, which processes run, and where to say what happens. */
export class Cluster {
  readonly folder: string;
  readonly state: ClusterState;
  readonly urls: ServerUrls;
  /** Names of processes → what was started under them, running or not. */
  readonly table: ProcessTable;
  readonly has_new_hosts: boolean;
  readonly has_new_settings: boolean;
  readonly say: (line: string) => void;
  started = 0;

  private constructor(
    options: StartOptions,
    before: ClusterState | null,
    state: ClusterState,
    say: (line: string) => void,
  ) {
    this.folder = options.folder;
    this.state = state;
    this.table = loadProcesses(options.folder);
    this.has_new_hosts = state.hosts.length > (before?.hosts.length ?? 0);
    this.has_new_settings = before !== null && before.settings.join('\0') !== state.settings.join('\0');
    this.say = say;
    this.urls = {
      database_url: databaseUrl(state),
      transport_url: transportUrl(state),
      api_url: `http://127.0.0.1:${state.ports.api}`,
    };
  }

  /** Takes up the cluster of this folder, or plans a new one. */
  static async open(options: StartOptions, say: (line: string) => void): Promise<Cluster> {
    lockFolder(options.folder);
    const before = loadState(options.folder);
    const state = before === null ? await newState(options) : await changedState(before, options);
    saveState(options.folder, state);
    const paths = clusterPaths(options.folder);
    for (const folder of [paths.logs, paths.etc, paths.ready, paths.hosts])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new Cluster(options, before, state, say);
  }

  /** Writes a process down before anything else happens: what is not written down cannot be ended later. */
  record(name: string, record: ProcessRecord): void {
    this.table[name] = record;
    this.started += 1;
    saveProcesses(this.folder, this.table);
  }

  /** Starts the process of this name unless it runs. */
  async keep(
    name: string,
    start: (on_spawn: (record: ProcessRecord) => void) => Promise<ProcessRecord>,
  ): Promise<void> {
    if (isAlive(this.table[name])) return;
    this.say(`starting ${name}`);
    await start((record) => this.record(name, record));
  }
}
