/** The bits of an IPv4 or IPv6 address, most significant first in one number; null when it is not an address. */
export function addressBits(text: string): { readonly value: bigint; readonly length: 32 | 128 } | null {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (four !== null) {
    const parts = four.slice(1).map(Number);
    if (parts.some((part) => part > 255)) return null;
    return { value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n), length: 32 };
  }
  if (!text.includes(':')) return null;
  const [left = '', right, ...more] = text.split('::');
  if (more.length > 0) return null;
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groups(left);
  const tail = groups(right ?? '');
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return { value: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n), length: 128 };
}

/** True when both are addresses of one family and agree in their first `prefix` bits. */
export function inSameNetwork(left: string, right: string, prefix: number): boolean {
  const one = addressBits(left);
  const other = addressBits(right);
  if (one === null || other === null || one.length !== other.length) return false;
  if (prefix < 0 || prefix > one.length) return false;
  const shift = BigInt(one.length - prefix);
  return one.value >> shift === other.value >> shift;
}
