/** Of commands that need the database itself: for operators, on a machine with drover.conf. */
export const configFileOption = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [process.env['DROVER_CONFIG'] ?? '/etc/drover/drover.conf'],
  defaultDescription: '$DROVER_CONFIG or /etc/drover/drover.conf',
  describe: 'Configuration with [database] connection',
} as const;
