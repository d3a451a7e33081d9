import { renameSync, rmSync, writeFileSync } from 'node:fs';
import closeWithGrace from 'close-with-grace';
import { loadConfiguration, type Configuration } from '../config/configuration.ts';
import { isDroverError } from '../errors/drover-error.ts';
import { createLogger, logWritten, type Logger } from '../logging/logger.ts';
import { readServiceArguments, type ServiceArguments } from './service-arguments.ts';

/** What a process ends with. systemd and scripts/up tell from it whether starting again can help. */
export const exitCodes = {
  closed: 0,
  /** Could not start: something it needs is not there. Starting again may help. */
  start_failed: 1,
  /** A bug: the process has stopped at once, without cleaning up. Starting again resumes the work. */
  bug: 70,
  /** The command line is wrong (EX_USAGE). */
  usage: 64,
  /** The configuration is wrong (EX_CONFIG). Starting again cannot help. */
  configuration: 78,
} as const;

export interface ServiceContext {
  readonly configuration: Configuration;
  readonly log: Logger;
  readonly arguments: ServiceArguments;
  /** Ends the process in order, as a signal would, for services that notice themselves that they must stop. */
  readonly stop: () => void;
}

export interface RunningService {
  /** What others may want to know of the ready process (port, url): in the ready line and the ready file. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Stops taking work, ends what runs, closes connections. */
  close(): Promise<void>;
}

export interface RunServiceOptions {
  readonly process_name: string;
  readonly argv?: readonly string[];
  /** After this time a close that hangs is cut off. */
  readonly close_timeout_seconds?: number;
}

/**
 * Runs a process from start to end: reads the configuration, starts, says that it is ready (a log line `ready`,
 * and the file of --ready-file), closes on SIGTERM or SIGINT, and crashes on what nobody caught: after a bug the
 * state in memory is not to be trusted, while the database and the next start are.
 */
export async function runService(
  options: RunServiceOptions,
  start: (context: ServiceContext) => Promise<RunningService>,
): Promise<void> {
  const given = argumentsOrExit(options.argv ?? process.argv.slice(2));
  const warnings: string[] = [];
  const configuration = configurationOrExit(given, warnings);
  const log = createLogger({
    process_name: options.process_name,
    level: configuration.DEFAULT.debug ? 'debug' : configuration.DEFAULT.log_level,
  });
  for (const warning of warnings) log.warn(warning);

  // Its line may come before those still on their way: to wait for them is to go on with a state that is wrong.
  const crash = (error: unknown) => {
    log.fatal({ error }, 'a bug: stopping at once');
    process.exit(exitCodes.bug);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  let starting: Promise<RunningService> | null = null;
  const grace = closeWithGrace(
    {
      delay: (options.close_timeout_seconds ?? 15) * 1000,
      logger: { error: (message?: unknown) => log.error(String(message)) },
      // Bugs crash (above). A hang-up is what a closed terminal sends to a daemon that it started.
      skip: ['uncaughtException', 'unhandledRejection', 'beforeExit', 'SIGHUP'],
    },
    async ({ signal }) => {
      log.info({ signal: signal ?? null }, 'closing');
      if (given.ready_file !== null) rmSync(given.ready_file, { force: true });
      await (await starting)?.close();
      log.info('closed');
      await logWritten(log);
    },
  );

  try {
    starting = start({ configuration, log, arguments: given, stop: () => grace.close() });
    const service = await starting;
    if (given.ready_file !== null)
      writeReadyFile(given.ready_file, { process: options.process_name, pid: process.pid, ...service.ready });
    log.info({ ready: service.ready }, 'ready');
  } catch (error) {
    // First, since a fatal line is written at once, past those still on their way.
    await logWritten(log);
    log.fatal({ error }, 'start failed');
    if (isDroverError(error, ...configurationErrors))
      exitWith(exitCodes.configuration, `${error.message}\n${error.advice}`);
    process.exit(exitCodes.start_failed);
  }
}

/** What only shows itself when the configuration is put to use. */
const configurationErrors = [
  'configuration_invalid',
  'unknown_filter',
  'placement_module_invalid',
  'pci_alias_invalid',
] as const;

function argumentsOrExit(argv: readonly string[]): ServiceArguments {
  try {
    return readServiceArguments(argv, process.env);
  } catch (error) {
    return exitWith(exitCodes.usage, error instanceof Error ? error.message : String(error));
  }
}

/** A configuration that is wrong is told to the person at the terminal, in plain words. */
function configurationOrExit(given: ServiceArguments, warnings: string[]): Configuration {
  try {
    return loadConfiguration(given.config_files, { warn: (message) => warnings.push(message) });
  } catch (error) {
    if (!isDroverError(error, 'configuration_invalid', 'configuration_unreadable')) throw error;
    return exitWith(exitCodes.configuration, `${error.message}\n${error.advice}`);
  }
}

function exitWith(code: number, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

/** Whole or not at all: who waits for the file reads it the moment it appears. */
function writeReadyFile(file: string, content: object): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(content)}\n`);
  renameSync(draft, file);
}
