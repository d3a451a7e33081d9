const comparison = /^\s*(<=|>=|==|!=|<|>)\s*(\d+(?:\.\d+)*)\s*$/;
const thousand = 1000;

/**
 * True when a hypervisor's version satisfies a comma-separated predicate such as `>=6.0,<9`. A predicate that
 * cannot be read is satisfied by no host.
 *
 * @param version Nova's integer form: 8.2.1 is 8002001
 */
export function versionMatches(version: number, predicate: string): boolean {
  const have = [
    Math.floor(version / thousand / thousand),
    Math.floor(version / thousand) % thousand,
    version % thousand,
  ];
  return predicate.split(',').every((part) => {
    const [, operator, wanted] = comparison.exec(part) ?? [];
    if (operator === undefined || wanted === undefined) return false;
    const order = compareVersions(have, wanted.split('.').map(Number));
    switch (operator) {
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      case '>=':
        return order >= 0;
      case '!=':
        return order !== 0;
      default:
        return order === 0;
    }
  });
}

function compareVersions(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
