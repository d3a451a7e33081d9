import { rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { isDroverError } from '../../../../shared/errors/drover-error.ts';
import type { CpuShare } from '../cpu-share.ts';
import type { Transfer } from '../mover.ts';
import { TransferRun } from './transfer-run.ts';
import { onLines, sendLine, type SenderReport, type SenderRequest } from './worker-messages.ts';

const REPORTS_PER_SECOND = 4;
/** How long a transfer that waits for orders, or the end of one, is kept for an agent that comes back. */
const ORPHAN_SECONDS = 600;
/** An agent that has started us and does not come has died. */
const FIRST_AGENT_SECONDS = 60;

interface Work {
  readonly migration_id: string;
  readonly run: TransferRun;
  sending: boolean;
  /** It could not even log in: whoever wants to try again does not need us. */
  is_unreachable: boolean;
  /** How it ended. */
  answer: SenderReport | null;
}

/**
 * @param socket_path where agents connect
 * @param cpu what its transfers may take of the host
 */
export function runSenderWorker(socket_path: string, cpu: CpuShare): void {
  let agent: Socket | null = null;
  let work: Work | null = null;
  let orphan_timer: NodeJS.Timeout | null = null;
  /** The agent waits for what we do. One that has only taken us over may never ask. */
  let is_awaited = false;

  const tell = (report: SenderReport): void => {
    if (agent !== null) sendLine(agent, report);
  };
  const end = (): void => {
    rmSync(socket_path, { force: true });
    flushCompileCache();
    // An exit would wait for reads that hang, for ever, with the socket still open.
    process.kill(process.pid, 'SIGKILL');
  };
  const stay = (): void => {
    if (orphan_timer !== null) clearTimeout(orphan_timer);
    orphan_timer = null;
  };
  /**
   * Without an agent only a transfer is worth living for. One that has not sent anything yet, too: it has the key, which
   * no agent keeps, and a guest may be shutting down for it.
   */
  const orphaned = (): void => {
    if (work === null || work.is_unreachable) return end();
    if (!work.sending) orphan_timer ??= setTimeout(end, ORPHAN_SECONDS * 1000);
  };

  const tellProgress = (run: TransferRun): void => {
    // What nobody hears was not told.
    if (agent === null) return;
    tell({ is: 'progress', progress: run.progress(), sent: run.takeSent(), totals: run.totals });
  };
  /** What was sent first: who hears of an end lets go of us. */
  const tellEnd = ({ run }: Work, report: SenderReport): void => {
    tellProgress(run);
    tell(report);
  };

  const workOn = (transfer: Transfer): Work => {
    if (work?.migration_id === transfer.migration_id) return work;
    work = {
      migration_id: transfer.migration_id,
      run: new TransferRun(transfer, { cpu }),
      sending: false,
      is_unreachable: false,
      answer: null,
    };
    return work;
  };

  const connect = async (current: Work): Promise<void> => {
    try {
      await current.run.connect();
      current.is_unreachable = false;
      tell({ is: 'connected' });
    } catch (error) {
      current.is_unreachable = true;
      tell(failure(error));
      if (agent === null) orphaned();
    }
  };

  const send = async (current: Work, request: Extract<SenderRequest, { do: 'send' }>): Promise<void> => {
    if (current.answer !== null) return tellEnd(current, current.answer);
    if (current.sending) return;
    current.run.noteChanged(request.changed);
    current.run.noteSentBefore(request.sent_before);
    current.run.noteTotalsBefore(request.totals_before);
    await working(current, request.transfer, async () => {
      const result = await current.run.send();
      current.answer = { is: 'sent', result };
      return current.answer;
    });
  };

  const round = async (current: Work, request: Extract<SenderRequest, { do: 'round' }>): Promise<void> => {
    current.run.noteChanged(request.changed);
    current.run.noteSentBefore(request.sent_before);
    current.run.noteTotalsBefore(request.totals_before);
    const { rounds } = current.run;
    if (current.answer !== null) return tellEnd(current, current.answer);
    // One that runs tells of itself when it ends.
    if (current.sending) return;
    if (rounds.length > request.seen) return tellEnd(current, { is: 'rounds', rounds });
    await working(current, request.transfer, async () => {
      await current.run.sendRound();
      return { is: 'rounds', rounds };
    });
  };

  const working = async (
    current: Work,
    transfer: Transfer,
    doIt: () => Promise<SenderReport>,
  ): Promise<void> => {
    current.sending = true;
    current.run.setLimit(transfer.limit_bytes_per_second);
    current.run.setPaused(transfer.paused ?? false);
    const reporting = setInterval(() => tellProgress(current.run), 1000 / REPORTS_PER_SECOND);
    let report: SenderReport;
    try {
      report = await doIt();
    } catch (error) {
      report = failure(error);
      current.answer = report;
    }
    clearInterval(reporting);
    current.sending = false;
    tellEnd(current, report);
    if (agent === null || !is_awaited) orphaned();
  };

  const obey = (request: SenderRequest): void => {
    if (request.do !== 'limit' && request.do !== 'pause') {
      is_awaited = true;
      stay();
    }
    switch (request.do) {
      case 'connect':
        void connect(workOn(request.transfer));
        return;
      case 'send':
        void send(workOn(request.transfer), request);
        return;
      case 'round':
        void round(workOn(request.transfer), request);
        return;
      case 'limit':
        work?.run.setLimit(request.limit_bytes_per_second);
        return;
      case 'pause':
        work?.run.setPaused(request.paused);
        return;
      case 'forget':
        void work?.run.close();
        work = null;
        return;
    }
  };

  const server = createServer((socket) => {
    // The newest agent counts: an older one is gone, whether or not its end has been noticed.
    agent?.destroy();
    agent = socket;
    is_awaited = false;
    if (work === null) stay();
    // Before it gives an order: that one may be older than what we were told since.
    if (work?.sending === true) tellProgress(work.run);
    else tell({ is: 'resting' });
    socket.on('error', () => undefined);
    onLines(socket, (request) => {
      if (agent === socket) obey(request as SenderRequest);
    });
    socket.once('close', () => {
      if (agent !== socket) return;
      agent = null;
      orphaned();
    });
  });
  server.listen(socket_path, () => process.stdout.write('ready\n'));
  orphan_timer = setTimeout(end, FIRST_AGENT_SECONDS * 1000);
  process.on('SIGINT', () => undefined);
}

function failure(error: unknown): SenderReport {
  // Anything else is our own bug: this process has failed, not the transfer, and the agent sees it end.
  if (!isDroverError(error)) throw error;
  return { is: 'failed', code: error.code, values: error.values };
}
