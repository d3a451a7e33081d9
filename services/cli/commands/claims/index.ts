import type { Finding } from '../../../scheduler/claims/repair.ts';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { configFileOption } from '../config-file-option.ts';
import { say, type Command } from '../context.ts';

interface Arguments {
  readonly 'config-file': readonly string[];
}

export const claimsCommands: Command = {
  command: 'claims',
  describe: 'Capacity reserved on hosts (for operators, on a machine with drover.conf)',
  builder: (argv) =>
    argv.command(check).command(repair).demandCommand(1, 'Say what to do with claims.').strict(),
  handler: () => {},
};

const check: Command<Arguments> = {
  command: 'check',
  describe: 'Say which claims have no owner and which sums are wrong; changes nothing; exit code 1 if any',
  builder: (argv) => argv.option('config-file', configFileOption),
  handler: async (options) => {
    const findings = await findAndMend(options['config-file'], { dry_run: true });
    for (const { sentence } of findings) process.stdout.write(`${sentence}\n`);
    if (findings.length > 0) {
      throw new CommandFailure(
        ExitCode.refused,
        `${findings.length} findings. Nothing was changed.`,
        'Mend them: drover claims repair',
      );
    }
    say('Every claim has its owner, and every sum is right.');
  },
};

const repair: Command<Arguments> = {
  command: 'repair',
  describe:
    'Remove claims without an owner, put wrong sums right, and say what was done; safe while all runs',
  builder: (argv) => argv.option('config-file', configFileOption),
  handler: async (options) => {
    const findings = await findAndMend(options['config-file'], { dry_run: false });
    for (const { sentence } of findings) process.stdout.write(`${sentence} Mended.\n`);
    say(findings.length === 0 ? 'Nothing was wrong.' : `${findings.length} findings, all mended.`);
  },
};

async function findAndMend(
  config_files: readonly string[],
  options: { readonly dry_run: boolean },
): Promise<readonly Finding[]> {
  // Loaded here only: they take time to load.
  const { loadConfiguration } = await import('../../../../shared/config/configuration.ts');
  const { connectDatabase } = await import('../../../../shared/database/connect.ts');
  const { repairClaims } = await import('../../../scheduler/claims/repair.ts');
  const { connection } = loadConfiguration(config_files).database;
  const pool = connectDatabase(
    { connection, max_pool_size: 1, application_name: 'drover claims' },
    () => undefined,
  );
  try {
    return await repairClaims(pool, options);
  } finally {
    await pool.end();
  }
}
