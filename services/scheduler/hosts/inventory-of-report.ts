import type { HostReport } from '../../../shared/messaging/host-report.ts';

/** Ratios of a host that is registered for the first time, where its operator has set none. */
export interface InitialRatios {
  readonly vcpu: number;
  readonly memory_mb: number;
  readonly disk_gb: number;
}

export interface InventoryRow {
  readonly resource_class: string;
  readonly total: number;
  readonly reserved: number;
  readonly max_unit: number;
  /** Applies always; null: the ratio that is stored stays. */
  readonly explicit_ratio: number | null;
  readonly initial_ratio: number;
}

/**
 * Inventories that a report stands for (facts document, section 6.1): one server may not have more virtual CPUs than
 * the host has physical ones, nor more memory or disk than the host has in all.
 */
export function inventoriesOf(report: HostReport, initial: InitialRatios): InventoryRow[] {
  const { inventory, reserved, allocation_ratios } = report;
  const row = (
    resource_class: string,
    total: number,
    held_back: number,
    explicit_ratio: number | null,
    initial_ratio: number,
  ): InventoryRow => ({
    resource_class,
    total,
    reserved: Math.min(held_back, total),
    max_unit: total,
    explicit_ratio: explicit_ratio === null || explicit_ratio <= 0 ? null : explicit_ratio,
    initial_ratio,
  });
  const rows = [
    row('VCPU', inventory.vcpus, reserved.vcpus, allocation_ratios.vcpu, initial.vcpu),
    row('MEMORY_MB', inventory.memory_mb, reserved.memory_mb, allocation_ratios.memory_mb, initial.memory_mb),
    row('DISK_GB', inventory.local_gb, reserved.disk_gb, allocation_ratios.disk_gb, initial.disk_gb),
  ];
  const devices = report.pci_devices?.length ?? 0;
  if (devices > 0) rows.push(row('PCI_DEVICE', devices, 0, null, 1));
  for (const [name, amount] of Object.entries(report.custom_resources ?? {})) {
    if (/^CUSTOM_[A-Z0-9_]+$/.test(name) && Number.isInteger(amount) && amount >= 0) {
      rows.push(row(name, amount, 0, null, 1));
    }
  }
  return rows;
}
