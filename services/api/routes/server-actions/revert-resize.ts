import { requestSettlement } from '../../operations/request-settle.ts';
import { serverPolicies } from '../../policies/server-policies.ts';
import { requesterOf } from '../server-access.ts';
import { anyArgument, type ServerAction } from './server-action.ts';

/** Brings the server back to where it came from. */
export const revertResizeAction: ServerAction = {
  name: 'revertResize',
  schema: anyArgument,
  policy: serverPolicies.revert,
  async perform({ services, request, server }) {
    const silence = services.configuration.DEFAULT.service_down_time;
    await requestSettlement(services, requesterOf(request), server.uuid, 'revert', silence);
    return 202;
  },
};
