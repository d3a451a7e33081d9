/** Reads fields of JSON that came over the network: nothing is believed to be there. */

export type JsonRecord = Readonly<Record<string, unknown>>;

export function record(value: unknown, ...path: readonly string[]): JsonRecord {
  let current: unknown = value;
  for (const key of path) current = isRecord(current) ? current[key] : undefined;
  return isRecord(current) ? current : {};
}

export function list(value: unknown, ...path: readonly string[]): readonly JsonRecord[] {
  const key = path.at(-1);
  const found = key === undefined ? value : record(value, ...path.slice(0, -1))[key];
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

export function text(value: unknown, key: string): string | null {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : null;
}

/** The texts of a list; what is no text is left out. */
export function texts(value: unknown, key: string): readonly string[] {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found.filter((entry): entry is string => typeof entry === 'string') : [];
}

export function number(value: unknown, key: string): number | null {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === 'number' ? found : null;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
