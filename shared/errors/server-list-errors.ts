/**
 * Errors of lists of servers and migrations: markers, filters, sorting, as the Compute API words them.
 * Scripts match on these texts: change none of them without a recording that says so.
 */
export const serverListErrors = {
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
} as const;
