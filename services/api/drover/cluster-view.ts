import { performance } from 'node:perf_hooks';
import type { PlacementSettings } from '../../scheduler/placement/settings.ts';
import type { Snapshot } from '../../scheduler/placement/model.ts';
import { loadPlacementSettings } from '../../scheduler/settings.ts';
import { readClusterVersion } from '../../scheduler/snapshot/cluster-version.ts';
import { HostSnapshot } from '../../scheduler/snapshot/host-snapshot.ts';
import type { ApiServices } from '../services.ts';

export interface ClusterAtVersion {
  readonly snapshot: Snapshot;
  readonly version: number;
  readonly settings: PlacementSettings;
}

/**
 * The cluster for questions: dry runs, explanations, dumps. The same snapshot and the same core as the scheduler's, in
 * this process, so that asking costs the schedulers nothing. It is filled by the first question and costs nothing before.
 */
export class ClusterView {
  readonly #services: Pick<ApiServices, 'pool' | 'configuration'>;
  #snapshot: HostSnapshot | null = null;
  #settings: Promise<PlacementSettings> | null = null;

  constructor(services: Pick<ApiServices, 'pool' | 'configuration'>) {
    this.#services = services;
  }

  /** The version is read before the snapshot: it may be too old for it, never too new, so applying by it stays safe. */
  async read(): Promise<ClusterAtVersion> {
    const { pool, configuration } = this.#services;
    this.#snapshot ??= new HostSnapshot({
      pool,
      service_down_seconds: configuration.DEFAULT.service_down_time,
      default_availability_zone: configuration.DEFAULT.default_availability_zone,
      now_seconds: () => performance.now() / 1000,
    });
    this.#settings ??= loadPlacementSettings(configuration);
    const version = await readClusterVersion(pool);
    await this.#snapshot.refresh();
    return { snapshot: this.#snapshot.current(), version, settings: await this.#settings };
  }
}
