import { enableCompileCache } from 'node:module';

/**
 * The process that receives: it serves one migration's connections, or digests one folder, at a time. The agent
 * starts some before they are needed, hands connections over, and may die without harm: a worker whose agent is
 * gone finishes what it does and ends.
 */
enableCompileCache();
const { runReceiverWorker } = await import('./run-worker.ts');
const { cpuShareIn } = await import('../cpu-share.ts');
const { leaf_pages } = await import('../disks/paged-leaves.ts');
const { spillFolderIn } = await import('../disks/spill-file.ts');
leaf_pages.spillInto(spillFolderIn(process.argv));
runReceiverWorker(cpuShareIn(process.argv));
