import type { HostName } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { EventPublisher } from './agent-events.ts';
import type { CommandRunnerOptions } from './commands/command-runner.ts';
import type { HostSettings } from './commands/definition.ts';
import type { KnobBoard } from './hypervisor/fake/knobs.ts';
import type { Hypervisor } from './hypervisor/hypervisor.ts';
import type { SweepSettings } from './images/cache-sweeper.ts';
import type { ExtractionPatience } from './images/extraction-sweeper.ts';
import type { ReportSettings } from './inventory/host-report.ts';
import type { ReceiverAdmission, SenderSupervisor } from './mover/mover.ts';
import type { LogicalVolumes } from './volumes/logical-volumes.ts';

/** What one host's agent is made of, and what it is told. */
export interface AgentOptions {
  readonly host: HostName;
  readonly address: string;
  readonly instances_path: string;
  readonly agent_version: string;
  readonly report_interval_seconds: number;
  readonly report: ReportSettings;
  readonly settings: HostSettings;
  readonly hypervisor: Hypervisor;
  readonly sender: SenderSupervisor;
  readonly receiver: ReceiverAdmission;
  readonly events: EventPublisher;
  readonly log: Logger;
  /** The fake hypervisor's: how to misbehave. */
  readonly knobs?: KnobBoard;
  /** Told of each answer to a command. */
  readonly onAnswer?: CommandRunnerOptions['onAnswer'];
  /** Default: what statfs says of the instances' folder. */
  readonly freeBytes?: () => Promise<number>;
  /** Default: LVM2's, of this machine. */
  readonly volumes?: LogicalVolumes;
  /** Nothing: unused images stay. */
  readonly image_cache?: SweepSettings;
  /** How long an extracted disk waits for its upload. Default: hours. */
  readonly extractions?: ExtractionPatience;
}
