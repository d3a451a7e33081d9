import type { ReceiverEndpoint } from '../../../../shared/messaging/commands.ts';

/** The part of an endpoint that errors name. */
export const addressOf = (
  endpoint: ReceiverEndpoint,
): { readonly address: string; readonly port: number } => ({
  address: endpoint.address,
  port: endpoint.port,
});
