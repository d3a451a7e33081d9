/** Errors of compute services and hypervisors, in Nova's words. */
export const serviceErrors = {
  service_not_found: {
    http_status: 404,
    message: 'Service {service} could not be found.',
    advice: 'List them with `openstack compute service list`.',
  },
  service_to_delete_not_found: {
    http_status: 404,
    message: 'Service {service} not found.',
    advice: 'List them with `openstack compute service list`.',
  },
  service_host_unknown: {
    http_status: 404,
    message: "Host '{host}' is not mapped to any cell",
    advice: 'List the hosts with `drover host list`.',
  },
  service_action_unknown: {
    http_status: 404,
    message: 'Unknown action',
    advice: 'The actions are enable, disable, disable-log-reason and force-down.',
  },
  service_uuid_invalid: {
    http_status: 400,
    message: 'Invalid uuid {service}',
    advice: 'From microversion 2.53 on a service is named by its UUID.',
  },
  service_reason_without_disable: {
    http_status: 400,
    message: "Specifying 'disabled_reason' with status 'enabled' is invalid.",
    advice: 'Give a reason only when you disable.',
  },
  service_update_empty: {
    http_status: 400,
    message: "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
    advice: "Send 'status' or 'forced_down'.",
  },
  service_hosts_instances: {
    http_status: 409,
    message:
      'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
    advice: 'Empty the host first.',
  },
  service_has_migrations: {
    http_status: 409,
    message:
      'Unable to delete compute service that has in-progress migrations. Complete the migrations first or delete the instances first.',
    advice: 'Confirm or revert the migrations from and to the host first.',
  },
} as const;
