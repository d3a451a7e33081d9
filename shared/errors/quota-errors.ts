/** Errors of quotas, server groups, usage reports and extensions, in Nova's words. */
export const quotaErrors = {
  quota_below_use: {
    http_status: 400,
    message:
      'Quota limit {limit} for {resource} must be greater than or equal to already used and reserved {used}.',
    advice: 'Choose a higher limit, or send `force` to set it all the same.',
  },
  quota_project_unknown: {
    http_status: 400,
    message: 'Project ID {project} is not a valid project.',
    advice: 'List the projects with `openstack project list`; a project is named by its id here.',
  },
  quota_per_user_unsupported: {
    http_status: 400,
    message: 'Quotas of single users are not supported by this deployment.',
    advice: 'Leave user_id out: quotas are set for whole projects.',
  },
  server_group_not_found: {
    http_status: 404,
    message: 'Instance group {group} could not be found.',
    advice: 'List them with `openstack server group list`; a group is named by its UUID here.',
  },
  server_group_limit: {
    http_status: 403,
    message: 'Quota exceeded, too many server groups.',
    advice: 'Delete groups or ask for a larger quota of server_groups.',
  },
  server_group_rules_refused: {
    http_status: 400,
    message: 'Only anti-affinity policy supports rules.',
    advice: 'Leave `rules` out, or choose the policy anti-affinity.',
  },
  extension_not_found: {
    http_status: 404,
    message: 'The resource could not be found.',
    advice: 'GET /extensions lists what there is.',
  },
  usage_time_invalid: {
    http_status: 400,
    message: 'Invalid datetime string: Datetime is in invalid format',
    advice: 'Write 2026-11-21T08:00:00, in UTC.',
  },
  usage_range_empty: {
    http_status: 400,
    message: 'Invalid start time. The start time cannot occur after the end time.',
    advice: 'Choose a start before the end; an end that is left out means now.',
  },
} as const;
