import { parseArgs } from 'node:util';

export interface ServiceArguments {
  /** Later files win. */
  readonly config_files: readonly string[];
  readonly ready_file: string | null;
}

/**
 * The command line that all processes share: `--config-file FILE` (may repeat, as Nova's), `--ready-file FILE`.
 * DROVER_CONFIG (files with colons between them) counts when no file is named; DROVER_READY_FILE likewise.
 * @throws TypeError for anything else, with Node's text
 */
export function readServiceArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServiceArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      'config-file': { type: 'string', multiple: true },
      'ready-file': { type: 'string' },
    },
    strict: true,
    allowPositionals: false,
  });
  const fromEnvironment = (environment['DROVER_CONFIG'] ?? '').split(':').filter((file) => file !== '');
  return {
    config_files: values['config-file'] ?? fromEnvironment,
    ready_file: values['ready-file'] ?? environment['DROVER_READY_FILE'] ?? null,
  };
}
