/** Sizes and spans of time as people write them. */

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

const SECOND_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ms: 0.001,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
};

/** `512`, `100 MB`, `1.5GiB`; a bare K, M, G, T is binary, as in qemu-img. Null when it is no size. */
export function parseBytes(text: string): number | null {
  const bytes = parseQuantity(text, BYTE_UNITS);
  return bytes === null ? null : Math.round(bytes);
}

/** Bytes per second: as sizes, with or without `/s` behind them. Null when it is no rate; bits are none of ours. */
export function parseRate(text: string): number | null {
  return parseBytes(text.trim().replace(/\/s$/i, ''));
}

/** Seconds: `30`, `0.5`, `500ms`, `10s`, `5m`, `2h`, `1d`. Null when it is no span of time. */
export function parseSeconds(text: string): number | null {
  return parseQuantity(text, SECOND_UNITS);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = units[(match?.[2] ?? '').toLowerCase()];
  return match === null || factor === undefined ? null : Number(match[1]) * factor;
}
