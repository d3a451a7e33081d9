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
  network_tag_not_found: {
    http_status: 404,
    message: 'Instance is not a member of specified network',
    advice: 'List the addresses of the server without naming a network.',
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
  diagnostics_unsupported: {
    http_status: 400,
    message: 'Diagnostics of servers are not supported by this deployment.',
    advice: 'Use the Drover API for the progress of a migration.',
  },
} as const;
