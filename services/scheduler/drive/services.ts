import type { Pool } from '../../../shared/database/connect.ts';
import type { SchedulerId } from '../../../shared/domain/ids.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import type { Settings } from '../migration/model.ts';
import type { PlacementSettings } from '../placement/settings.ts';
import type { HostLists } from '../host-lists.ts';
import type { HostSnapshot } from '../snapshot/host-snapshot.ts';
import type { ImageSourceMaker } from './world.ts';

/** What everything in this process that drives operations needs. */
export interface DriveServices {
  /** Connections in pipeline mode (transaction.ts relies on it for speed, not for being right). */
  readonly pool: Pool;
  readonly log: Logger;
  readonly scheduler_id: SchedulerId;
  readonly settings: Settings;
  readonly placement: PlacementSettings;
  readonly lease_seconds: number;
  readonly service_down_seconds: number;
  readonly imageSource: ImageSourceMaker;
  readonly snapshot: HostSnapshot;
  readonly host_lists: HostLists;
  /** A turn to copy was given back, or there is one more to give: see whose it is now. */
  readonly turnsChanged: () => void;
  /** Messages were committed: send them now. */
  readonly wakeOutbox: () => void;
}
