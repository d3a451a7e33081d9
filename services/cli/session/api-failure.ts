import { CommandFailure, ExitCode } from '../exit-codes.ts';
import { text } from './json.ts';

/** Turns any service's error envelope into one line, with the request id by which the logs can be searched. */
export function apiFailure(answer: {
  readonly status: number;
  readonly body: unknown;
  readonly request_id: string | null;
}): CommandFailure {
  const envelope =
    typeof answer.body === 'object' && answer.body !== null ? Object.values(answer.body)[0] : undefined;
  const message = text(envelope, 'message') ?? 'the answer carried no message';
  const id = answer.request_id === null ? '' : ` (Request-ID: ${answer.request_id})`;
  return new CommandFailure(
    ExitCode.refused,
    `${message} (HTTP ${answer.status})${id}`,
    text(envelope, 'advice'),
  );
}
