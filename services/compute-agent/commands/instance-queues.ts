import type { InstanceId, OperationId } from '../../../shared/domain/ids.ts';

export interface Job {
  readonly instance_id: InstanceId;
  readonly operation_id: OperationId;
  readonly interrupts_all: boolean;
  readonly at_once: boolean;
  /** Neither waits nor interrupts nor is waited for. */
  readonly beside: boolean;
  /** Its work goes on without the agent: closing does not abort it. */
  readonly outlives_agent: boolean;
  /** `interrupted` resolves when what was aborted for this job has ended. Only one that runs at once sees it open. */
  readonly run: (signal: AbortSignal, interrupted: Promise<unknown>) => Promise<void>;
}

interface Waiting extends Job {
  readonly abort: AbortController;
  ended: Promise<void>;
}

/**
 * Commands of one instance one after the other, those of different instances side by side. A newer command of an
 * operation means that its sender has given the older ones up: they are aborted, and it waits until they have ended.
 */
export class InstanceQueues {
  readonly #queues = new Map<InstanceId, Set<Waiting>>();

  /** Resolves when the job has run. `run` must not reject. */
  add(job: Job): Promise<void> {
    if (job.beside) return job.run(new AbortController().signal, Promise.resolve());
    const queue = this.#queues.get(job.instance_id) ?? new Set<Waiting>();
    this.#queues.set(job.instance_id, queue);
    const before = [...queue];
    for (const other of before)
      if (job.interrupts_all || other.operation_id === job.operation_id)
        other.abort.abort(new Error('a newer command has taken its place'));
    const waiting: Waiting = { ...job, abort: new AbortController(), ended: Promise.resolve() };
    const { signal } = waiting.abort;
    const others = Promise.all(before.map((other) => other.ended));
    const running = job.at_once ? job.run(signal, others) : others.then(() => job.run(signal, others));
    waiting.ended = running.then(
      () => this.#remove(queue, waiting),
      (error: unknown) => {
        this.#remove(queue, waiting);
        throw error;
      },
    );
    queue.add(waiting);
    return waiting.ended;
  }

  /** Whether a command of this instance runs or waits. */
  has(id: InstanceId): boolean {
    return this.#queues.has(id);
  }

  /** Aborts what this process does itself. */
  close(): void {
    for (const queue of this.#queues.values())
      for (const { abort, outlives_agent } of queue)
        if (!outlives_agent) abort.abort(new Error('the agent is closing'));
  }

  #remove(queue: Set<Waiting>, waiting: Waiting): void {
    queue.delete(waiting);
    if (queue.size === 0 && this.#queues.get(waiting.instance_id) === queue)
      this.#queues.delete(waiting.instance_id);
  }
}
