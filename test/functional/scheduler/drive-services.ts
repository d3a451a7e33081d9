import type { DriveServices } from '../../../services/scheduler/drive/services.ts';
import { HostLists } from '../../../services/scheduler/host-lists.ts';
import { defaultPlacementSettings } from '../../../services/scheduler/placement/settings.ts';
import { machineSettings } from '../../../services/scheduler/settings.ts';
import { HostSnapshot } from '../../../services/scheduler/snapshot/host-snapshot.ts';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import { schedulerId } from '../../../shared/domain/ids.ts';
import { pool } from './cluster-database.ts';
import { silent } from './test-scheduler.ts';

/** What drives operations in a scheduler of this name, on the database of the test file; nobody is told of anything. */
export function driveServices(name: string, changes: Partial<DriveServices> = {}): DriveServices {
  return {
    pool,
    log: silent,
    scheduler_id: schedulerId(name),
    settings: machineSettings(loadConfiguration([])),
    placement: defaultPlacementSettings,
    lease_seconds: 15,
    service_down_seconds: 60,
    imageSource: (image) => ({ ...image, url: 'http://api/file', ticket: 'ticket' }),
    snapshot: new HostSnapshot({
      pool,
      service_down_seconds: 60,
      default_availability_zone: 'nova',
      now_seconds: () => performance.now() / 1000,
    }),
    host_lists: new HostLists(pool),
    turnsChanged: () => undefined,
    wakeOutbox: () => undefined,
    ...changes,
  };
}
