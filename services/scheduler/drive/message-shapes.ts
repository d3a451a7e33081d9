import type { AgentEvent, WakeMessage } from '../../../shared/messaging/messages.ts';

/**
 * Whether a message has the form that its type promises, as far as the shell relies on it. A host's user can write
 * to this queue, so nothing in it is taken on trust; what a step's result holds is its plan's to judge.
 */
export function isWake(body: unknown): body is WakeMessage {
  if (!isRecord(body) || body['type'] !== 'wake') return false;
  const operation = body['operation_id'];
  return operation === null || isUuid(operation);
}

export function isAgentEvent(body: unknown): body is AgentEvent {
  if (!isRecord(body) || !isText(body['host']) || !isText(body['request_id'])) return false;
  switch (body['type']) {
    case 'step_done':
      return (
        isStepAddress(body) && isText(body['command']) && isText(body['summary']) && isRecord(body['result'])
      );
    case 'step_failed':
      return (
        isStepAddress(body) &&
        isText(body['code']) &&
        isText(body['message']) &&
        typeof body['retriable'] === 'boolean'
      );
    case 'step_progress':
      return isStepAddress(body) && (body['progress'] === null || isProgress(body['progress']));
    case 'host_reported':
      return isRecord(body['report']) && body['report']['host'] === body['host'] && isReport(body['report']);
    case 'guest_changed':
      return isUuid(body['instance_id']) && isNumber(body['epoch']) && isNumber(body['power_state']);
    default:
      return false;
  }
}

function isStepAddress(body: Readonly<Record<string, unknown>>): boolean {
  return (
    isUuid(body['operation_id']) &&
    isText(body['step']) &&
    (body['direction'] === 'action' || body['direction'] === 'undo') &&
    isNumber(body['attempt'])
  );
}

const progressNumbers = [
  'round',
  'disk_total_bytes',
  'disk_processed_bytes',
  'disk_remaining_bytes',
  'sent_bytes',
  'skipped_bytes',
  'rate_bytes_per_second',
];

function isProgress(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const eta = value['eta_seconds'];
  return progressNumbers.every((name) => isNumber(value[name])) && (eta === null || isNumber(eta));
}

function isReport(report: Readonly<Record<string, unknown>>): boolean {
  const texts = ['hypervisor_hostname', 'hypervisor_type', 'address', 'agent_version', 'boot_id', 'uptime'];
  const inventory = report['inventory'];
  const reserved = report['reserved'];
  return (
    texts.every((name) => isText(report[name])) &&
    isNumber(report['hypervisor_version']) &&
    isNumber(report['sequence']) &&
    isRecord(inventory) &&
    ['vcpus', 'memory_mb', 'local_gb', 'disk_available_bytes'].every((name) => isNumber(inventory[name])) &&
    isRecord(reserved) &&
    ['vcpus', 'memory_mb', 'disk_gb'].every((name) => isNumber(reserved[name])) &&
    isRecord(report['allocation_ratios']) &&
    Array.isArray(report['guests'])
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
