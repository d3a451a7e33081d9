import { boolean, duration, integer, string } from '../option.ts';
import { defineSection } from '../section.ts';

const PORT_MAX = 65_535;

/** A name or an address, IPv6 in brackets, and a port. One that does not exist would only be found when it is bound. */
function isListenAddress(text: string): boolean {
  const [, port] = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) <= PORT_MAX;
}

export const droverSection = defineSection('drover', 'How operations are driven and recovered.', {
  public_url: string({
    default: null,
    pattern: /^https?:\/\/[^\s/]+(\/\S*)?$/,
    allowed: 'a URL that starts with http:// or https://',
    help: 'Where clients and hosts reach the api. In the catalog and in the image URLs that hosts are given. Unset: http://<my_ip>:<osapi_compute_listen_port>.',
  }),
  lease_seconds: duration({
    default: 15,
    minimum: 1,
    maximum: 3600,
    help: 'A scheduler that has not renewed its right to an operation for this long may be replaced by another one.',
  }),
  command_timeout_seconds: duration({
    default: 30,
    minimum: 1,
    help: 'How long a step may stay unanswered before it is sent again. Long steps: how long they may be silent.',
  }),
  reconcile_interval_seconds: duration({
    default: 5,
    minimum: 0.1,
    help: 'Pause between two looks at all operations: the guarantee that holds when every message is lost.',
  }),
  outbox_poll_interval_seconds: duration({
    default: 2,
    minimum: 0.05,
    maximum: 300,
    help: 'Pause between two looks at messages not yet sent: the guarantee that holds when no wake-up arrives.',
  }),
  max_attempts_per_step: integer({
    default: 3,
    minimum: 1,
    help: 'Tries of one step before it has failed and the operation is undone.',
  }),
  max_recoveries_per_step: integer({
    default: 5,
    minimum: 1,
    help: 'Takeovers of an operation on the same step before it is parked for a person.',
  }),
  verify_event_sender: boolean({
    default: true,
    help: "The scheduler drops an event whose sender, as the broker verified it, is not the host's own user.",
  }),
  metrics_listen: string({
    default: null,
    accepts: isListenAddress,
    allowed: 'address:port, an IPv6 address in brackets, a port of at most 65535',
    help: 'Where this process serves its metrics at /metrics, to whoever asks: an address that only scrapers reach. One per process: name it in a file of its own (--config-file may repeat). Port 0: a free one, named when it is ready. Unset: nobody listens; GET /drover/v1/metrics serves them to administrators all the same.',
  }),
  message_prefetch: integer({
    default: 64,
    minimum: 1,
    maximum: 10_000,
    unit: 'messages',
    help: 'Messages that one process handles at the same time.',
  }),
});
