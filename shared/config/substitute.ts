/** `$$` or `\$` is a dollar sign; `$name`, `${name}`, `$group.name`, `${group.name}` are other options. */
const placePattern = /\$\$|\\\$|\$\{([a-z_][\w.]*)\}|\$([a-z_]\w*(?:\.[a-z_]\w*)?)/gi;

/**
 * Fills the places of a text (oslo.config's rules: a plain name is looked up in the text's own section first,
 * then in [DEFAULT]). `lookUp` gives the other option's text, or throws with what is wrong with it.
 */
export function substitute(text: string, lookUp: (reference: string) => string): string {
  return text.replaceAll(placePattern, (_place: string, braced?: string, bare?: string) => {
    const reference = braced ?? bare;
    return reference === undefined ? '$' : lookUp(reference);
  });
}
