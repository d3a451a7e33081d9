import { address, choice, string } from '../option.ts';
import { defineSection } from '../section.ts';

export const libvirtSection = defineSection('libvirt', 'Hosts with compute_driver = libvirt.LibvirtDriver.', {
  virt_type: choice({
    choices: ['kvm', 'qemu'],
    default: 'kvm',
    help: 'Type of the guests: hardware virtualisation or software emulation.',
  }),
  connection_uri: string({ default: 'qemu:///system', help: 'The libvirt daemon of this host.' }),
  images_type: choice({
    choices: ['default', 'raw', 'flat', 'qcow2', 'lvm', 'rbd', 'ploop'],
    default: 'default',
    help: 'Format of local disks on this host. A disk that arrives in another one is converted and compared before its guest starts. default: new disks by use_cow_images, arriving ones stay as they are. raw, flat: raw files. qcow2: qcow2 files. Hosts with lvm, rbd or ploop take no disks yet.',
  }),
  migration_inbound_addr: address({
    default: null,
    help: 'Address that receives disks, when it is not my_ip.',
  }),
});
