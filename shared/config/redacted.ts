import { sections, type Configuration } from './configuration.ts';

const HIDDEN = '***';

/** The configuration as it may be logged: a secret URL keeps host and database, its password is gone. */
export function redacted(configuration: Configuration): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    sections.map((section) => [
      section.name,
      Object.fromEntries(
        Object.entries(section.options).map(([name, option]) => {
          const value = (configuration[section.name] as Record<string, unknown>)[name];
          return [name, option.secret && typeof value === 'string' ? redactSecret(value) : value];
        }),
      ),
    ]),
  );
}

/**
 * Hides passwords in one or more URLs (`rabbit://u:p@h1,u:p@h2/v`) and any query, which may hold some too.
 * What is no URL is hidden whole. A password may itself hold `@`, `/` or `#`: everything from the first colon to
 * the last `@` of its part goes.
 */
export function redactSecret(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (scheme === undefined) return HIDDEN;
  const rest = text.slice(scheme.length).replace(/\?.*$/s, `?${HIDDEN}`);
  const parts = rest.split(',').map((part) => part.replace(/^([^:@]*):.*@/s, `$1:${HIDDEN}@`));
  // A comma inside a password splits it wrongly: then a part without "@" stands before one with it.
  const unsafe =
    parts.slice(0, -1).some((part) => !part.includes('@')) && parts.some((part) => part.includes('@'));
  return unsafe ? `${scheme}${HIDDEN}` : scheme + parts.join(',');
}
