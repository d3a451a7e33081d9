/**
 * What a worker gets of the agent's environment: nothing secret, and the mark by which a private cluster finds
 * the processes that are its own.
 */
const PASSED_ON = ['PATH', 'TZ', 'LANG', 'TMPDIR', 'NODE_COMPILE_CACHE', 'DROVER_CLUSTER'] as const;

export function workerEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
