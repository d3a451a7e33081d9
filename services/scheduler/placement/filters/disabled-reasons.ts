import type { Columns } from '../columns.ts';
import type { ColumnReason } from './filter.ts';

/**
 * One reason per sentence that operators gave when they disabled hosts, as numbered in `columns.disabled_reason`: hosts
 * of a rack under maintenance and a host that is to be scrapped are not one count.
 */
export function disabledReasons(columns: Columns): readonly ColumnReason[] {
  return columns.classes.disabled_reasons.map((reason) =>
    reason === ''
      ? { code: 'disabled', message: 'disabled' }
      : { code: 'disabled', message: 'disabled: "{available}"', available: reason, is_apart: true },
  );
}
