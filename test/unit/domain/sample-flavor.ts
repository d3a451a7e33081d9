import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';

/** A small flavor without anything special, unless changed. */
export function sampleFlavor(changes: Partial<FlavorSpec> = {}): FlavorSpec {
  return {
    id: 1,
    flavor_id: '42',
    name: 'm1.nano',
    vcpus: 1,
    memory_mb: 64,
    root_gb: 1,
    ephemeral_gb: 0,
    swap_mb: 0,
    rxtx_factor: 1,
    is_public: true,
    disabled: false,
    description: null,
    extra_specs: {},
    ...changes,
  };
}
