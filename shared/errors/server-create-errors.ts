/**
 * Errors of a request for a new server, as the Compute API words them (facts document, section 2).
 * Scripts match on these texts: change none of them without a recording that says so.
 */
export const serverCreateErrors = {
  quota_exceeded: {
    http_status: 403,
    message:
      'Quota exceeded for {overs}: Requested {requested}, but already used {used} of {allowed} {overs}',
    advice: 'Delete servers or ask for a larger quota.',
  },
  server_group_full: {
    http_status: 403,
    message: 'Quota exceeded, too many servers in group',
    advice: 'Use another server group or ask for a larger quota of server_group_members.',
  },
  min_count_exceeds_max_count: {
    http_status: 400,
    message: 'min_count must be <= max_count',
    advice: 'Give a max_count that is at least min_count.',
  },
  availability_zone_unavailable: {
    http_status: 400,
    message: 'The requested availability zone is not available',
    advice: 'List the zones with `openstack availability zone list --compute`.',
  },
  requested_image_not_found: {
    http_status: 400,
    message: 'Can not find requested image',
    advice: 'List the images with `openstack image list`.',
  },
  image_missing: {
    http_status: 400,
    message: 'Invalid imageRef provided.',
    advice: 'Name an image: servers that boot from a volume are not supported.',
  },
  image_not_active: {
    http_status: 400,
    message: 'Image {image} is not active.',
    advice: 'Wait until the image is active.',
  },
  flavor_memory_too_small: {
    http_status: 400,
    message: "Flavor's memory is too small for requested image.",
    advice: 'Choose a flavor with more memory.',
  },
  flavor_disk_too_small: {
    http_status: 400,
    message:
      "Flavor's disk is too small for requested image. Flavor disk is {flavor_bytes} bytes, image is {image_bytes} bytes.",
    advice: 'Choose a flavor with a larger root disk.',
  },
  flavor_disk_below_minimum: {
    http_status: 400,
    message:
      "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is {flavor_bytes} bytes, minimum size is {minimum_bytes} bytes.",
    advice: 'Choose a flavor with a larger root disk.',
  },
  key_name_unknown: {
    http_status: 400,
    message: 'Invalid key_name provided.',
    advice: 'List your keypairs with `openstack keypair list`.',
  },
  requested_group_not_found: {
    http_status: 400,
    message: 'Instance group {group} could not be found.',
    advice: 'List the groups with `openstack server group list`.',
  },
  network_not_found: {
    http_status: 400,
    message: 'Network {network} could not be found.',
    advice: 'This deployment has no network service: create servers with `--nic none`.',
  },
  port_not_found: {
    http_status: 400,
    message: 'Port id {port} could not be found.',
    advice: 'This deployment has no network service: create servers with `--nic none`.',
  },
  volumes_unsupported: {
    http_status: 400,
    message: 'Block Device Mapping is Invalid: this deployment has no volume service.',
    advice: 'Boot from an image.',
  },
  availability_zone_malformed: {
    http_status: 400,
    message: 'Invalid input received: Unable to parse availability_zone',
    advice: 'Write zone, zone:host, zone:host:node or zone::node.',
  },
  destination_mechanisms_exclusive: {
    http_status: 400,
    message:
      'One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually exclusive.',
    advice: 'Name the host once.',
  },
  zero_disk_flavor_denied: {
    http_status: 403,
    message: 'Only volume-backed servers are allowed for flavors with zero disk.',
    advice: 'Choose a flavor with a root disk.',
  },
  injected_files_unsupported: {
    http_status: 400,
    message: 'Injected files are not supported by this deployment.',
    advice: 'Use user_data.',
  },
  create_count_limit: {
    http_status: 400,
    message: 'At most {limit} servers can be created with one request.',
    advice: 'Send several requests.',
  },
} as const;
