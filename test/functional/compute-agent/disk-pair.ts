import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostSettings } from '../../../services/compute-agent/commands/definition.ts';
import type { SenderSupervisor } from '../../../services/compute-agent/mover/mover.ts';
import type { MarkedDisk } from '../../../services/compute-agent/folders/mark.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { CommandResults } from '../../../shared/messaging/commands.ts';
import { newMigrationId, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { startPair, type Pair } from '../mover/support/pair.ts';
import { TestHost, type Operation, type TestHostOptions } from './test-host.ts';

/** Two hosts with real disks, a real mover and a real sshd between them. */
export interface DiskPair {
  readonly source: TestHost;
  readonly target: TestHost;
  readonly root: string;
  /** Of both hosts: a test may have something happen while a disk is sent. */
  readonly sender: SenderSupervisor;
  close(): Promise<void>;
}

/** What may be different of a host. */
type HostChange = Pick<TestHostOptions, 'settings' | 'volumes'>;

/** @param settings of the target */
export const openDiskPair = (settings: Partial<HostSettings> = {}): Promise<DiskPair> =>
  openHosts({}, { settings });

export async function openHosts(of_source: HostChange, of_target: HostChange): Promise<DiskPair> {
  const pair: Pair = await startPair();
  const real_mover = { sender: pair.senders, receiver: pair.admission };
  const folder = pair.root;
  const [source, target] = await Promise.all([
    TestHost.open({ folder, name: 'source', real_mover, ...of_source }),
    TestHost.open({ folder, name: 'target', real_mover, ...of_target }),
  ]);
  return {
    source,
    target,
    root: pair.root,
    sender: pair.senders,
    close: async () => {
      await Promise.all([source.close(), target.close()]);
      await pair.close();
    },
  };
}

/** A stopped guest at home on a host, whose folder `make` fills with the disks that it names. */
export async function placeGuest(
  host: TestHost,
  make: (folder: string) => readonly MarkedDisk[],
  change: Partial<InstanceSpec> = {},
): Promise<InstanceSpec> {
  const spec = { ...sampleSpec(), ...change };
  const operation = host.operation({ instance_id: spec.id, migration_id: null });
  await operation.run('spawn', { spec: { ...spec, image: null } }, 1);
  await operation.run('power_off', { shutdown_timeout_seconds: 0 }, 1);
  const folder = join(host.instances_path, spec.id);
  execFileSync('rm', [join(folder, 'disk')]);
  const disks = make(folder);
  const path = join(folder, 'drover.json');
  const mark = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...mark, disks, spec }));
  await host.hypervisor.undefine(spec.id);
  return spec;
}

/** One migration between the two, step by step. */
export class Move {
  readonly migration_id: MigrationId = newMigrationId();
  readonly here: Operation;
  readonly there: Operation;
  readonly spec: InstanceSpec;
  surveyed!: CommandResults['survey'];
  admitted!: CommandResults['admit'];

  readonly #epoch: number;

  /** @param epoch of the guest at its present home */
  constructor(from: TestHost, to: TestHost, spec: InstanceSpec, epoch = 1) {
    this.#epoch = epoch;
    const subject = { instance_id: spec.id, migration_id: this.migration_id };
    this.spec = spec;
    this.here = from.operation(subject);
    this.there = to.operation(subject);
  }

  get id(): InstanceId {
    return this.spec.id;
  }

  get transfer_disks() {
    return this.admitted.transfer_disks ?? this.surveyed.disks;
  }

  async survey(): Promise<void> {
    this.surveyed = (await this.here.run('survey', {}, this.#epoch)).result;
  }

  admission() {
    const { disks, public_key, source_address } = this.surveyed;
    return { spec: this.spec, disks, public_key, source_address, expires_in_seconds: 60 };
  }

  async admit(): Promise<void> {
    await this.survey();
    this.admitted = (await this.there.run('admit', this.admission(), this.#epoch)).result;
  }

  order() {
    return { endpoint: this.admitted.endpoint, disks: this.transfer_disks, limit_bytes_per_second: 0 };
  }

  /** Up to the disks' arrival. @throws when the digests of both sides differ */
  async copy(): Promise<void> {
    await this.admit();
    const { digests } = (await this.here.run('copy', this.order(), this.#epoch)).result;
    const found = (await this.there.run('verify', { disks: this.transfer_disks }, this.#epoch)).result;
    if (JSON.stringify(found.digests) !== JSON.stringify(digests)) throw new Error('the digests differ');
  }

  async prepare(): Promise<void> {
    if (this.admitted.needs_prepare === true) await this.there.run('prepare', {}, this.#epoch);
  }

  async finish(): Promise<void> {
    await this.here.run('retire', {}, this.#epoch + 1);
    await this.there.run('adopt', { spec: this.spec, power_on: false }, this.#epoch + 1);
  }

  async run(): Promise<void> {
    await this.copy();
    await this.prepare();
    await this.finish();
  }
}
