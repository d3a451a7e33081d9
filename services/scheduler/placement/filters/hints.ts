import type { InstanceId } from '../../../../shared/domain/ids.ts';
import type { PlacementRequest } from '../model.ts';

/** A scheduler hint that lists servers: one id, or a list of them. Empty when the hint is absent or something else. */
export function serversOfHint(request: PlacementRequest, name: string): readonly InstanceId[] {
  const hint = request.hints[name];
  const values: readonly unknown[] = Array.isArray(hint) ? hint : [hint];
  return values.filter((value): value is InstanceId => typeof value === 'string' && value !== '');
}

/** A hint that is one text; clients send some of them as a list of one. */
export function textOfHint(request: PlacementRequest, name: string): string | null {
  const hint = request.hints[name];
  const value: unknown = Array.isArray(hint) ? hint[0] : hint;
  return typeof value === 'string' && value !== '' ? value : null;
}
