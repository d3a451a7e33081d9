import type { Configuration } from '../../shared/config/configuration.ts';
import type { InitialRatios } from './hosts/inventory-of-report.ts';
import type { Settings } from './migration/model.ts';
import type { TransferLimits } from './migration/turn-queue.ts';
import { loadPlacementModules } from './placement-modules.ts';
import { parsePciAliases } from './placement/pci/aliases.ts';
import { configuredFilters, configuredWeighers } from './placement/rules.ts';
import { defaultPlacementSettings, type PlacementSettings } from './placement/settings.ts';

/** What the pure parts are told of the configuration, as plain data. */

export function machineSettings(configuration: Configuration): Settings {
  const { DEFAULT, drover, mover, scheduler } = configuration;
  return {
    shutdown_timeout_seconds: DEFAULT.shutdown_timeout,
    resize_confirm_window_seconds: DEFAULT.resize_confirm_window,
    migration_limit_bytes_per_second: mover.limit_bytes_per_second,
    downtime_budget_seconds: mover.downtime_budget_seconds,
    key_lifetime_seconds: mover.key_lifetime_seconds,
    command_timeout_seconds: drover.command_timeout_seconds,
    stall_timeout_seconds: mover.stall_timeout_seconds,
    max_attempts_per_step: drover.max_attempts_per_step,
    max_recoveries_per_step: drover.max_recoveries_per_step,
    max_choices: scheduler.max_attempts,
    transfer_limits: transferLimits(configuration),
  };
}

/** How many copies may run at once. The api tells those who wait why, by the same. */
export function transferLimits({ mover }: Configuration): TransferLimits {
  return {
    per_source: mover.max_transfers_per_source,
    per_target: mover.max_transfers_per_target,
    in_cluster: mover.max_transfers,
  };
}

export function placementSettings(configuration: Configuration): PlacementSettings {
  const { DEFAULT, filter_scheduler, scheduler, metrics, pci } = configuration;
  return {
    ...defaultPlacementSettings,
    filter_scheduler: { ...defaultPlacementSettings.filter_scheduler, ...filter_scheduler },
    scheduler: { ...defaultPlacementSettings.scheduler, ...scheduler },
    metrics: { ...defaultPlacementSettings.metrics, ...metrics },
    default_availability_zone: DEFAULT.default_availability_zone,
    pci_aliases: parsePciAliases(pci.alias),
  };
}

/**
 * The same with the site's own modules, all names checked: a configuration that cannot work stops the start.
 *
 * @throws DroverError unknown_filter, placement_module_invalid, pci_alias_invalid
 */
export async function loadPlacementSettings(configuration: Configuration): Promise<PlacementSettings> {
  const settings: PlacementSettings = {
    ...placementSettings(configuration),
    ...(await loadPlacementModules(configuration.filter_scheduler.placement_modules)),
  };
  configuredFilters(settings);
  configuredWeighers(settings);
  return settings;
}

export function initialRatios(configuration: Configuration): InitialRatios {
  const { DEFAULT } = configuration;
  return {
    vcpu: DEFAULT.initial_cpu_allocation_ratio,
    memory_mb: DEFAULT.initial_ram_allocation_ratio,
    disk_gb: DEFAULT.initial_disk_allocation_ratio,
  };
}

/** Where hosts reach the api, without a slash at the end. */
export function publicUrl(configuration: Configuration): string {
  const { DEFAULT, drover } = configuration;
  const url = drover.public_url ?? `http://${DEFAULT.my_ip}:${DEFAULT.osapi_compute_listen_port}`;
  return url.replace(/\/+$/, '');
}
