/**
 * Errors of servers, their actions and migrations, as the Compute API words them (facts document, section 2).
 * Scripts match on these texts: change none of them without a recording that says so.
 */
export const serverErrors = {
  instance_not_found: {
    http_status: 404,
    message: 'Instance {instance} could not be found.',
    advice:
      'List what you may see with `drover server list`; a server of another project looks the same as none.',
  },
  instance_locked: {
    http_status: 409,
    message: 'Instance {instance} is locked',
    advice: 'Unlock it first, or ask an administrator: a lock does not stop them.',
  },
  instance_state_conflict: {
    http_status: 409,
    message: "Cannot '{action}' instance {instance} while it is in {attribute} {state}",
    advice: 'Wait until the server is in a state that allows this; `drover server show {instance}` tells it.',
  },
  instance_state_invalid: {
    http_status: 409,
    message: "Instance {instance} is in an invalid state for '{action}'",
    advice:
      'The server has never run or is not being moved; `drover server show {instance}` tells its state.',
  },
  instance_not_ready: {
    http_status: 409,
    message: 'Instance {instance} is not ready',
    advice: 'The server has no host yet: wait until it is built.',
  },
  operation_in_progress: {
    http_status: 409,
    message: "Cannot '{action}' instance {instance} while its operation '{kind}' is {state}",
    advice: 'Wait until the operation has ended, cancel it, or look at it with `drover migration list`.',
  },
  migration_unfinished: {
    http_status: 409,
    message:
      "Cannot '{action}' instance {instance} while its migration {migration} is {status}: it still holds capacity on both hosts",
    advice: 'Confirm or revert that migration first.',
  },
  compute_service_down: {
    http_status: 409,
    message: 'Service is unavailable at this time.',
    advice: 'The agent of host {host} is down or forced down; see `drover service list`.',
  },
  migrate_to_same_host: {
    http_status: 400,
    message: 'Cannot migrate to the host where the server exists.',
    advice: 'Name another host, or none and let the scheduler choose.',
  },
  requested_host_not_found: {
    http_status: 400,
    message: 'Compute host {host} could not be found.',
    advice: 'List the hosts with `drover host list`.',
  },
  instance_not_resized: {
    http_status: 400,
    message: 'Instance has not been resized.',
    advice: 'A confirm or revert is under way already, or the move was settled; see `drover migration list`.',
  },
  action_unknown: {
    http_status: 400,
    message: 'There is no such action: {action}',
    advice: 'Check the spelling of the key in the body.',
  },
  action_unsupported: {
    http_status: 400,
    message: "The action '{action}' is not supported by this deployment.",
    advice: 'Drover moves servers, starts, stops and reboots them; it does not offer this action.',
  },
  resize_unsupported: {
    http_status: 400,
    message: 'Resizing servers is not supported by this deployment.',
    advice: 'Create a server with the wanted flavor instead.',
  },
  requested_flavor_not_found: {
    http_status: 400,
    message: 'Flavor {flavor} could not be found.',
    advice: 'List the flavors with `openstack flavor list --all`.',
  },
  resize_same_flavor: {
    http_status: 400,
    message: 'When resizing, instances must change flavor!',
    advice: 'Name another flavor.',
  },
  resize_zero_disk: {
    http_status: 400,
    message: 'Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.',
    advice: 'Name a flavor with a root disk.',
  },
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
  network_tag_not_found: {
    http_status: 404,
    message: 'Instance is not a member of specified network',
    advice: 'List the addresses of the server without naming a network.',
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
  metadata_item_not_found: {
    http_status: 404,
    message: 'Metadata item was not found',
    advice: 'List the metadata of the server.',
  },
  metadata_uri_mismatch: {
    http_status: 400,
    message: 'Request body and URI mismatch',
    advice: 'The key in the body and the key in the path must be the same.',
  },
  metadata_limit: {
    http_status: 403,
    message: 'Maximum number of metadata items exceeds {limit}',
    advice: 'Remove items or ask for a larger quota of metadata_items.',
  },
  tag_not_found: {
    http_status: 404,
    message: "Server {instance} has no tag '{tag}'",
    advice: 'List the tags of the server.',
  },
  tag_limit: {
    http_status: 400,
    message: 'The number of tags exceeded the per-server limit {limit}',
    advice: 'Remove tags first.',
  },
  tag_invalid: {
    http_status: 400,
    message: "Tag '{tag}' is invalid. {reason}",
    advice: 'A tag has 1 to 60 characters, without slash and comma.',
  },
  action_record_not_found: {
    http_status: 404,
    message: 'Action {request} not found',
    advice: 'List the actions of the server with `openstack server event list`.',
  },
  marker_not_found: {
    http_status: 400,
    message: 'Marker {marker} could not be found.',
    advice: 'Start again without marker: the record has gone.',
  },
  server_marker_not_found: {
    http_status: 400,
    message: 'marker [{marker}] not found',
    advice: 'Start again without marker: the server has gone.',
  },
  status_invalid: {
    http_status: 400,
    message: 'Invalid status value',
    advice: 'Use a status such as ACTIVE, SHUTOFF, VERIFY_RESIZE or ERROR.',
  },
  deleted_listing_denied: {
    http_status: 403,
    message: 'Only administrators may list deleted instances',
    advice: 'Ask an administrator.',
  },
  sort_key_denied: {
    http_status: 403,
    message: 'Only administrators can sort servers by {key}',
    advice: 'Sort by another key.',
  },
  search_pattern_invalid: {
    http_status: 400,
    message: "Invalid filter field: '{field}' is no valid regular expression: {value}",
    advice: 'Filters on texts are regular expressions: escape what has a meaning there.',
  },
  changes_range_empty: {
    http_status: 400,
    message: 'The value of changes-since must be less than or equal to changes-before.',
    advice: 'Swap the two times.',
  },
  server_migration_not_live: {
    http_status: 404,
    message: 'Migration {migration} for server {instance} is not live-migration.',
    advice: 'The migration has ended: see it in `openstack server migration list`.',
  },
  server_migration_not_found: {
    http_status: 404,
    message: 'In-progress live migration {migration} is not found for server {instance}.',
    advice: 'List the migrations under way of this server.',
  },
  migration_of_instance_not_found: {
    http_status: 404,
    message: 'Migration {migration} not found for instance {instance}',
    advice: 'List the migrations under way of this server.',
  },
  keypair_not_found: {
    http_status: 404,
    message: 'Keypair {name} not found for user {user}',
    advice: 'List your keypairs with `openstack keypair list`.',
  },
  keypair_exists: {
    http_status: 409,
    message: "Key pair '{name}' already exists.",
    advice: 'Choose another name or delete the keypair first.',
  },
  keypair_invalid: {
    http_status: 400,
    message: 'Keypair data is invalid: {reason}',
    advice: 'Give an OpenSSH public key in one line.',
  },
  keypair_limit: {
    http_status: 403,
    message: 'Maximum number of key pairs exceeded',
    advice: 'Delete keypairs or ask for a larger quota of key_pairs.',
  },
  diagnostics_unsupported: {
    http_status: 400,
    message: 'Diagnostics of servers are not supported by this deployment.',
    advice: 'Use the Drover API for the progress of a migration.',
  },
} as const;
