import { address, choice, string } from '../option.ts';
import { defineSection } from '../section.ts';

export const libvirtSection = defineSection('libvirt', 'Hosts with compute_driver = libvirt.LibvirtDriver.', {
  virt_type: choice({
    choices: ['kvm', 'qemu'],
    default: 'kvm',
    help: 'Type of the guests: hardware virtualisation or software emulation.',
  }),
  connection_uri: string({ default: 'qemu:///system', help: 'The libvirt daemon of this host.' }),
  migration_inbound_addr: address({
    default: null,
    help: 'Address that receives disks, when it is not my_ip.',
  }),
});
