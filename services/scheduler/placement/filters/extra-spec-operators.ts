/**
 * The operators that a flavor's extra spec may begin with (facts document, section 6.2). `<or>` joins
 * alternatives; `=` means "at least", for historical reasons.
 */
const numeric: Readonly<Record<string, (have: number, wanted: number) => boolean>> = {
  '=': (have, wanted) => have >= wanted,
  '==': (have, wanted) => have === wanted,
  '!=': (have, wanted) => have !== wanted,
  '>=': (have, wanted) => have >= wanted,
  '<=': (have, wanted) => have <= wanted,
};
const textual: Readonly<Record<string, (have: string, wanted: string) => boolean>> = {
  's==': (have, wanted) => have === wanted,
  's!=': (have, wanted) => have !== wanted,
  's<': (have, wanted) => have < wanted,
  's<=': (have, wanted) => have <= wanted,
  's>': (have, wanted) => have > wanted,
  's>=': (have, wanted) => have >= wanted,
};

/**
 * True when a host's value satisfies what an extra spec says. A value that is not a number never satisfies a
 * numeric operator.
 *
 * @param have the host's value; a list or object counts as its JSON text
 * @param spec the extra spec's text, with or without an operator
 */
export function satisfies(have: unknown, spec: string): boolean {
  const words = spec.trim().split(/\s+/);
  const [operator = '', ...operands] = words;
  const compareNumbers = numeric[operator];
  const operand = operands[0];
  if (compareNumbers !== undefined && operand !== undefined) {
    const left = Number(textOf(have));
    const right = Number(operand);
    return !Number.isNaN(left) && !Number.isNaN(right) && textOf(have) !== '' && compareNumbers(left, right);
  }
  const compareTexts = textual[operator];
  if (compareTexts !== undefined && operand !== undefined) return compareTexts(textOf(have), operand);
  // Both look for the operand anywhere in the text of the value, lists included, as Nova does.
  if (operator === '<in>' && operand !== undefined) return textOf(have).includes(operand);
  if (operator === '<all-in>' && operand !== undefined) {
    const text = textOf(have);
    return operands.every((wanted) => text.includes(wanted));
  }
  if (operator === '<or>') {
    const alternatives = spec.split('<or>').map((part) => part.trim());
    return alternatives.some((alternative) => alternative !== '' && alternative === textOf(have));
  }
  return textOf(have) === spec;
}

/** A host's value as text: strings and numbers as they are, everything else as JSON. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '';
}
