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
} as const;
