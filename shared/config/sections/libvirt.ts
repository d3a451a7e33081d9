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
    help: 'Format of local disks on this host. A disk that arrives in another one is converted and compared before its guest starts. default: new disks by use_cow_images, arriving ones stay as they are. raw, flat: raw files. qcow2: qcow2 files. lvm: logical volumes in images_volume_group. Hosts with rbd or ploop take no disks yet.',
  }),
  images_volume_group: string({
    default: null,
    pattern: /^[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}$/,
    allowed: 'the name of a volume group',
    help: 'Volume group of local disks, for images_type = lvm. Volumes are called <instance>_<disk> and tagged drover.<host>; a disk grows to whole extents of the group. What arrives is first a file below instances_path, so both need room. A new volume is written whole before a guest may read it; the content of a removed one is not overwritten (Nova: volume_clear = none). The agent must be allowed to run lvs, vgs, lvcreate and lvremove (Debian package lvm2).',
  }),
  migration_inbound_addr: address({
    default: null,
    help: 'Address that receives disks, when it is not my_ip.',
  }),
});
