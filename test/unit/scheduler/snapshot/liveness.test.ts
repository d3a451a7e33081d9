import { describe, expect, test } from 'vitest';
import { Liveness } from '../../../../services/scheduler/snapshot/liveness.ts';

describe('liveness', () => {
  function clock() {
    const time = { seconds: 100 };
    return { time, liveness: new Liveness(() => time.seconds) };
  }

  test('a host that was never heard of is infinitely old', () => {
    const { liveness } = clock();
    expect(liveness.ageSeconds('c1')).toBe(Infinity);
    liveness.noticed('c1', null, null);
    expect(liveness.ageSeconds('c1')).toBe(Infinity);
  });

  test('at first the database is believed, then only whether its value has become another one', () => {
    const { time, liveness } = clock();
    liveness.noticed('c1', 1000, 40);
    expect(liveness.ageSeconds('c1')).toBe(40);
    time.seconds += 5;
    liveness.noticed('c1', 1000, 3645);
    expect(liveness.ageSeconds('c1')).toBe(45);
    liveness.noticed('c1', 1060, 3600);
    expect(liveness.ageSeconds('c1')).toBe(0);
  });

  test('a report that came here counts at once', () => {
    const { time, liveness } = clock();
    liveness.noticed('c1', 1000, 1000);
    liveness.heard('c1');
    time.seconds += 7;
    expect(liveness.ageSeconds('c1')).toBe(7);
  });
});
