/** Options of every command that can wait for what it asked for. */
export const waitOption = {
  type: 'boolean',
  default: false,
  describe: 'Wait until it has happened; the exit code says whether it did',
} as const;

export const timeoutOption = {
  type: 'number',
  default: 24 * 3600,
  describe: 'Seconds to wait at most, with --wait',
} as const;
