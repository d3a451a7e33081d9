type Properties = Readonly<Record<string, string>>;

/** Nova folds old and foreign names of the same thing into one; these are the ones that occur in images. */
const architectures: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  'x86-64': 'x86_64',
  x64: 'x86_64',
  i386: 'i686',
  i486: 'i686',
  i586: 'i686',
  x86: 'i686',
  x86_32: 'i686',
  arm64: 'aarch64',
  ppc64el: 'ppc64le',
};
const hypervisorTypes: Readonly<Record<string, string>> = { libvirt: 'kvm', 'xapi-project': 'xen' };
const vmModes: Readonly<Record<string, string>> = { pv: 'xen', hv: 'hvm', baremetal: 'hvm' };

function read(
  properties: Properties,
  names: readonly string[],
  folded: Readonly<Record<string, string>>,
): string | null {
  for (const name of names) {
    const value = properties[name]?.trim().toLowerCase();
    if (value !== undefined && value !== '') return folded[value] ?? value;
  }
  return null;
}

/** `hw_architecture`, once `architecture`. */
export function architectureOf(properties: Properties): string | null {
  return read(properties, ['hw_architecture', 'architecture'], architectures);
}

/** `img_hv_type`, once `hypervisor_type`. */
export function hypervisorTypeOf(properties: Properties): string | null {
  return read(properties, ['img_hv_type', 'hypervisor_type'], hypervisorTypes);
}

/** `hw_vm_mode`, once `vm_mode`. */
export function vmModeOf(properties: Properties): string | null {
  return read(properties, ['hw_vm_mode', 'vm_mode'], vmModes);
}
