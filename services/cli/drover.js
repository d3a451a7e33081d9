#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on any Node, to find a Node that can run the rest.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

const OLDEST_MAJOR = 24;
const own = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const major = Number(process.versions.node.split('.')[0]);

if (major >= OLDEST_MAJOR) {
  // Halves the start; older Nodes have no such function.
  nodeModule.enableCompileCache?.();
  await import('./main.ts');
} else if (existsSync(own) && process.env.DROVER_RELAUNCHED !== '1') {
  const child = spawnSync(
    own,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      env: { ...process.env, DROVER_RELAUNCHED: '1' },
    },
  );
  process.exitCode = child.status ?? 1;
} else {
  process.stderr.write(
    `drover needs Node ${OLDEST_MAJOR} or newer and found ${process.versions.node}; ` +
      `its own was not found at ${own}: run \`npm ci\` in the checkout.\n`,
  );
  process.exitCode = 2;
}
