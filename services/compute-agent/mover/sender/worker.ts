import { enableCompileCache } from 'node:module';

/**
 * The process that sends: one migration at a time. It listens on the unix socket that its last argument names
 * and says `ready` on its standard output. It outlives its agent while it sends.
 */
enableCompileCache();
const { runSenderWorker } = await import('./run-worker.ts');
const { cpuShareIn } = await import('../cpu-share.ts');
const { leaf_pages } = await import('../disks/paged-leaves.ts');
const { spillFolderIn } = await import('../disks/spill-file.ts');
leaf_pages.spillInto(spillFolderIn(process.argv));
runSenderWorker(process.argv.at(-1) ?? '', cpuShareIn(process.argv));
