/** A word as it stands in the text form: as it is, or quoted as in JSON when it holds a space or a quote. */
export function quoteWord(word: string): string {
  return /^[^\s"#]+$/.test(word) ? word : JSON.stringify(word);
}

/** The words of one line; the opposite of joining quoted words with spaces. */
export function parseWords(line: string): readonly string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return words.map((word) => (word.startsWith('"') ? String(JSON.parse(word)) : word));
}
