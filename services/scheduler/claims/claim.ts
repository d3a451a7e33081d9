import type { Queryable } from '../../../shared/database/connect.ts';
import { Books, type ClaimedHost, type ClaimRequest } from './books.ts';
import type { Refusal } from './capacity.ts';

/** One claim in a transaction that makes no other. A refusal has changed nothing. */
export async function claim(
  transaction: Queryable,
  request: ClaimRequest,
  service_down_seconds: number,
): Promise<
  | {
      readonly claimed: true;
      readonly target: ClaimedHost;
      /** The statements that write the claim, on their way: they must be among those that the commit waits for. */
      readonly written: Promise<unknown>;
    }
  | { readonly claimed: false; readonly refusal: Refusal }
> {
  const books = await Books.open(transaction, [request], service_down_seconds);
  const outcome = await books.claim(request);
  if (!outcome.claimed) return outcome;
  const written = books.write(transaction);
  written.catch(() => undefined);
  return { ...outcome, written };
}
