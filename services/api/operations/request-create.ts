import { randomInt } from 'node:crypto';
import { inTransaction, type Queryable } from '../../../shared/database/connect.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { OperationRequest } from '../../scheduler/migration/model.ts';
import type { NewInstance } from '../queries/server-creation.ts';
import { insertInstance } from '../queries/server-creation.ts';
import { insertOperation, type OperationServices, type Requester } from './request-operation.ts';

/**
 * Writes the new servers with their action and operation, all in one transaction with the quota decision.
 * @param plan decides under the project's quota lock which servers there will be.
 */
export async function requestCreate(
  services: OperationServices,
  requester: Requester,
  request: OperationRequest,
  plan: (transaction: Queryable) => Promise<readonly NewInstance[]>,
): Promise<readonly InstanceId[]> {
  const created = await inTransaction(services.pool, async (transaction) => {
    const instances = await plan(transaction);
    for (const instance of instances) {
      await insertInstance(transaction, instance);
      await insertOperation(transaction, requester, {
        kind: 'create',
        action: 'create',
        instance: instance.uuid,
        migration: null,
        request,
        state: 'running',
      });
    }
    return instances.map((instance) => instance.uuid);
  });
  services.wakeOutbox();
  return created;
}

const reservationAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const RESERVATION_LENGTH = 8;
const passwordAlphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const PASSWORD_LENGTH = 12;

const randomText = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');

/** `r-` and eight letters or digits: one per create request. */
export const newReservationId = (): string => `r-${randomText(reservationAlphabet, RESERVATION_LENGTH)}`;

/** Nova's generated password: twelve characters that are hard to mix up. Nothing here ever uses it. */
export const newAdminPassword = (): string => randomText(passwordAlphabet, PASSWORD_LENGTH);
