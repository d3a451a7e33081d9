/** Errors of the operations area: code → HTTP status, message template, what to do next. */
export const operationsErrors = {
  // --- configuration
  configuration_unreadable: {
    http_status: 500,
    message: 'Configuration file {file} cannot be read: {reason}.',
    advice: 'Name an existing file with --config-file FILE or DROVER_CONFIG.',
  },
  configuration_invalid: {
    http_status: 500,
    message: 'The configuration has {count} mistake(s):\n{problems}',
    advice: 'Every option with its default is in docs/configuration.md.',
  },

  // --- messaging
  transport_url_invalid: {
    http_status: 500,
    message: 'transport_url is not valid: {reason}.',
    advice:
      'Write rabbit://user:password@host:5672/vhost, several brokers of one cluster with commas between them.',
  },
  broker_unavailable: {
    http_status: 503,
    message: 'The message broker at {broker} is not available: {reason}.',
    advice: 'Nothing is lost: messages wait in the database. Start the broker or correct transport_url.',
  },
  message_unpublished: {
    http_status: 503,
    message: 'The message broker did not confirm a message for {exchange} with key {routing_key}: {reason}.',
    advice: 'It is sent again when the broker is back.',
  },

  // --- policy
  policy_file_invalid: {
    http_status: 500,
    message: 'Policy file {file} is not valid in line {line}: {reason}.',
    advice:
      'Write one rule per line as "rule name": "check"; etc/policy.yaml has every rule with its default.',
  },
  policy_forbidden: {
    http_status: 403,
    message: "Policy doesn't allow {rule} to be performed.",
    advice: 'An administrator can change the rule {rule} in policy.yaml; no restart is needed.',
  },

  // --- Drover v1
  migration_not_found: {
    http_status: 404,
    message: 'No migration {migration}.',
    advice: 'List them with `drover migration list`; one can be named by its number or UUID.',
  },
  migration_not_running: {
    http_status: 409,
    message: 'Migration {migration} is {status}: it does not move any more.',
    advice:
      'A finished one can be confirmed or reverted; `drover migration show {migration}` tells its steps.',
  },
  migration_past_copy: {
    http_status: 409,
    message: 'Migration {migration} cannot be paused: it is at {step}, its disks have been copied.',
    advice:
      'It ends within moments. `drover migration cancel {migration}` takes it back as long as it moves.',
  },
  migration_not_paused: {
    http_status: 409,
    message: 'Migration {migration} is not paused.',
    advice:
      '`drover migration show {migration}` tells what it waits for. A stuck operation goes on with `drover operation resume`.',
  },
  operation_not_found: {
    http_status: 404,
    message: 'No operation {operation}.',
    advice: 'GET /drover/v1/operations lists those under way and those that are stuck.',
  },
  operation_not_stuck: {
    http_status: 409,
    message: 'Operation {operation} is {state}, not stuck: there is nothing to resume.',
    advice: 'It goes on by itself or has ended.',
  },
  decision_not_found: {
    http_status: 404,
    message: 'No decision {decision}.',
    advice:
      'The decision of a migration is named in `drover migration show`; old ones are removed after a time.',
  },
  host_unknown: {
    http_status: 404,
    message: 'No compute host {host}.',
    advice: 'List them with `drover host list`.',
  },
} as const;
