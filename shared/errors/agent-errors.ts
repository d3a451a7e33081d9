/** Errors of a host's agent: code → HTTP status, message template, what to do next. */
export const agentErrors = {
  command_invalid: {
    http_status: 400,
    message: 'Refused a command on {host}: {reason}.',
    advice: 'Scheduler and agents must be of the same version.',
  },
  command_superseded: {
    http_status: 409,
    message: 'Command {command} for instance {instance} on {host} was given up: {reason}.',
    advice:
      'Nothing to do: a newer command of the same operation, or a stop of the agent, has taken its place.',
  },
  mover_unattended: {
    http_status: 409,
    message:
      'The agent of {host} was away while command {command} for instance {instance} ran. Its mover goes on, and is taken over by the next try.',
    advice: 'Nothing to do: the step is tried again at once.',
  },
  guest_not_defined: {
    http_status: 404,
    message: 'Instance {instance} has no guest on {host}: {found}.',
    advice: 'Run `drover host show {host}` to see which guests the host has.',
  },
  guest_state_unexpected: {
    http_status: 409,
    message: 'Instance {instance} on {host} should be {expected}, but it is {found}.',
    advice: 'Look at the guest: start or stop it, then try again.',
  },
  guest_did_not_start: {
    http_status: 409,
    message: 'Instance {instance} was started on {host}, but {grace_seconds} s later it was {found}.',
    advice: "Look at the hypervisor's log on {host}.",
  },
  guest_name_clash: {
    http_status: 409,
    message: 'Instance {instance} cannot come to {host}: {found}.',
    advice: 'Remove what is left there, or choose another host.',
  },
  guest_not_admitted: {
    http_status: 409,
    message: 'Instance {instance} is not admitted on {host}: {found}.',
    advice: 'Start the migration again.',
  },
  folder_missing: {
    http_status: 404,
    message: 'On {host} neither {source} nor {target} exists.',
    advice: 'The disks of this instance are not on this host: find out who removed or moved them.',
  },
  folder_occupied: {
    http_status: 409,
    message: 'On {host} folder {source} was to be renamed to {target}, but both exist.',
    advice: 'Find out which of them holds the disks of the guest, and remove the other one.',
  },
  folder_of_another_migration: {
    http_status: 409,
    message: 'Folder {folder} on {host} belongs to {owner}, not to {migration}: it was left alone.',
    advice: 'Finish or resolve the other migration first.',
  },
  folder_mark_unreadable: {
    http_status: 500,
    message: 'Folder {folder} on {host} has a mark (drover.json) that cannot be read: {reason}.',
    advice: 'Its disks were left alone. Repair the file or move the folder away.',
  },
  host_disk_full: {
    http_status: 409,
    message:
      'Host {host} has no room for {purpose} of instance {instance}: {asked_bytes} bytes are needed; {free_bytes} are free, of which {promised_bytes} are reserved for others and {kept_bytes} kept for the host.',
    advice:
      'Free some space there, wait for other copies to end, or choose another host. [mover] reserve_headroom_percent says how much more than the bytes in use is reserved.',
  },
  transfer_key_lost: {
    http_status: 409,
    message: 'Host {host} no longer has the key of migration {migration}: its agent was restarted.',
    advice: 'Start the migration again: a new key is made.',
  },
  image_unreachable: {
    http_status: 503,
    message: 'Image {image} could not be fetched to {host}: {reason}.',
    advice: 'Check that {host} reaches the image service.',
  },
  image_refused: {
    http_status: 409,
    message: 'The image service refused image {image} to {host}: HTTP {status}.',
    advice: 'Check that the image exists; a ticket that has expired is renewed with the next try.',
  },
  image_upload_refused: {
    http_status: 409,
    message: 'The image service refused the bytes of image {image} from {host}: HTTP {status} {reason}.',
    advice: 'Correct what it says, then make the image again.',
  },
  image_extract_lost: {
    http_status: 409,
    message: 'What was to become image {image} is not on {host} any more: its agent was restarted.',
    advice: 'Make the image again.',
  },
  image_digest_mismatch: {
    http_status: 409,
    message: 'Image {image} as fetched to {host} has sha512 {found}, not {expected}.',
    advice: 'The bytes were thrown away. Upload the image again.',
  },
  backing_image_mismatch: {
    http_status: 409,
    message: 'The backing image with sha512 {expected} cannot be had on {host}: {reason}.',
    advice: 'A different image is never used in its place. Choose a host that has it.',
  },
  backing_image_changed: {
    http_status: 409,
    message:
      'File {file} on {host}, which disks stand on, has changed: sha512 {expected} was expected, {found} is found; {where}.',
    advice:
      'Nothing was started on it. Find out who wrote to it: every disk that stands on it is damaged. Bring the right file back, or choose another host.',
  },
  disk_storage_unsupported: {
    http_status: 409,
    message:
      'Host {host} keeps its disks as {images_type} ([libvirt] images_type), and instance {instance} cannot come there: {missing}.',
    advice: 'Set images_type of that host to default, raw, qcow2 or lvm, or choose another host.',
  },
  disk_format_unknown: {
    http_status: 409,
    message: 'Disk {disk} on {host} is no {format} file that we know: {reason}.',
    advice: 'Look at it with `qemu-img info`.',
  },
  disk_tool_failed: {
    http_status: 500,
    message: '{tool} failed on {host} with {reason}.',
    advice: 'Look at the free disk space and the installed version of {tool} on {host}.',
  },
  disk_tool_missing: {
    http_status: 500,
    message: '{tool} is not installed on {host}, and its disks cannot be kept as its configuration says.',
    advice: 'Install the Debian package {package} on {host}.',
  },
  disk_tool_silent: {
    http_status: 503,
    message:
      '{tool} did not answer in {seconds} s about volume group {group} on {host}: a device of the group may be away.',
    advice:
      "Look at the group's devices on {host} (`dmesg`, `lsblk`, `multipath -ll`) and bring back the one that does not answer; what was asked for is tried again.",
  },
  volume_group_unset: {
    http_status: 500,
    message:
      'Host {host} keeps its disks in logical volumes ([libvirt] images_type = lvm), but images_volume_group does not say in which group.',
    advice: 'Set [libvirt] images_volume_group on {host}; `vgs` lists the groups there.',
  },
  volume_group_missing: {
    http_status: 500,
    message: 'Volume group {group} ([libvirt] images_volume_group) was not found on {host}: {reason}.',
    advice: 'Correct the name, or make the group with `vgcreate`; `vgs` lists the groups there.',
  },
  volume_not_ours: {
    http_status: 409,
    message:
      'Logical volume {volume} on {host} is wanted for a disk of instance {instance}, but it is there and no try of ours made it for that: {found}.',
    advice: 'It was left alone. Find out what it is; rename or remove it, or choose another host.',
  },
  volume_in_use: {
    http_status: 409,
    message: 'Logical volume {volume} on {host} cannot be removed: something has it open.',
    advice:
      'See who on {host}: `fuser -v {device}`, `lsof {device}`, or a device on top of it in `lsblk {device}`. It is tried again every minute.',
  },
  volume_device_missing: {
    http_status: 409,
    message: 'Disk {disk} on {host} lies in logical volume {volume}, but {found}.',
    advice:
      'The volume is probably not active: `vgchange -ay {group}` on {host}, then try again. Nothing was opened in its place.',
  },
  hypervisor_driver_missing: {
    http_status: 500,
    message: 'Hypervisor driver {driver} is not part of this build.',
    advice: 'Set compute_driver to fake.FakeDriver.',
  },
  fake_failure: {
    http_status: 500,
    message: 'The fake hypervisor of {host} was told to fail at {command}.',
    advice: 'Clear the option [fake] fail or the knobs file.',
  },
} as const;
