/** Errors of hypervisors, in Nova's words. */
export const hypervisorErrors = {
  hypervisor_not_found: {
    http_status: 404,
    message: "Hypervisor with ID '{hypervisor}' could not be found.",
    advice: 'List them with `openstack hypervisor list`; by name they are found with --matching.',
  },
  hypervisor_no_match: {
    http_status: 404,
    message: "No hypervisor matching '{pattern}' could be found.",
    advice: 'List them with `openstack hypervisor list`.',
  },
  hypervisor_uuid_invalid: {
    http_status: 400,
    message: 'Invalid uuid {hypervisor}',
    advice: 'From microversion 2.53 on a hypervisor is named by its UUID.',
  },
  hypervisor_marker_not_found: {
    http_status: 400,
    message: 'marker [{marker}] not found',
    advice: 'Use the id of the last hypervisor of the page before.',
  },
} as const;
