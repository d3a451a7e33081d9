import type { Histogram } from 'prom-client';
import { MetricSet } from '../../shared/metrics/metric-set.ts';
import type { SenderFigures } from './mover/mover.ts';

const COMMAND_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600];

/** What one agent counts itself. */
export interface AgentMetrics {
  readonly set: MetricSet;
  readonly commands: Histogram<'command' | 'outcome'>;
}

/** @param figures of the host's senders, at the moment of a scrape */
export function agentMetrics(figures: () => SenderFigures): AgentMetrics {
  const set = new MetricSet();
  const transfers = set.gauge('drover_agent_transfers', 'Copies that leave this host, by state.', ['state']);
  const connections = set.gauge(
    'drover_agent_connections',
    'Connections that copies that leave this host have made to their targets and use now.',
  );
  const limit = set.gauge(
    'drover_agent_limit_bytes_per_second',
    'What all copies that leave this host may send together now. 0: no limit.',
  );
  const sent = set.counter(
    'drover_agent_sent_bytes_total',
    'Bytes that copies have put on the wire from this host since this agent began.',
  );
  const commands = set.histogram(
    'drover_agent_command_seconds',
    'Commands that this host has answered, by name, and whether they were done or failed.',
    COMMAND_BUCKETS,
    ['command', 'outcome'],
  );
  let counted_bytes = 0;
  set.beforeScrape(() => {
    const { running, paused, connections: open, sent_bytes, limit_bytes_per_second } = figures();
    transfers.set({ state: 'running' }, running);
    transfers.set({ state: 'paused' }, paused);
    connections.set(open);
    limit.set(limit_bytes_per_second);
    sent.inc(sent_bytes - counted_bytes);
    counted_bytes = sent_bytes;
  });
  return { set, commands };
}
