/** A word as it stands in the text form: as it is, or quoted as in JSON when it holds a space, a quote or a `#`. */
export function quoteWord(word: string): string {
  return /^[^\s"#]+$/.test(word) ? word : JSON.stringify(word);
}

/** `key=value`, with the value quoted where it must be: `reason="fan broken"`. */
export function quotePair(key: string, value: string | number): string {
  return /^[^\s"#=]+$/.test(key) ? `${key}=${quoteWord(String(value))}` : JSON.stringify(`${key}=${value}`);
}

/** The words of one line, without their quotes. */
export function parseWords(line: string): readonly string[] {
  const words = line.matchAll(/([^\s"]*)("(?:[^"\\]|\\.)*")|(\S+)/g);
  return Array.from(words, ([, before = '', quoted, plain]) =>
    quoted === undefined ? unquoted(plain ?? '') : before + String(JSON.parse(quoted)),
  );
}

function unquoted(word: string): string {
  if (word.includes('"')) throw new Error(`a quote is not closed: ${word}`);
  return word;
}
