import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a site's own filter, QuietFilter, which only compute2 passes. @returns its file */
export function writeQuietFilter(folder: string): string {
  const module = join(folder, 'quiet-filter.mjs');
  writeFileSync(
    module,
    `export const QuietFilter = {
       name: 'QuietFilter',
       prepare: () => ({
         reads: 'host',
         check: (host) => host.name === 'compute2' ? { pass: true } : { pass: false, code: 'loud', message: 'is loud' },
       }),
     };`,
  );
  return module;
}
