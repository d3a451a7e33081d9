import { requestSettlement } from '../../operations/request-settle.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

/** Keeps the server where it has moved to; answers 204, as Nova does. */
export const confirmResizeAction: ServerAction = {
  name: 'confirmResize',
  schema: anyArgument,
  policy: serverPolicies.confirm,
  async perform({ services, request, server }) {
    const silence = services.configuration.DEFAULT.service_down_time;
    await requestSettlement(services, requesterOf(request), server.uuid, 'confirm', silence);
    return 204;
  },
};
