import { sections } from '../../shared/config/configuration.ts';
import type { AnyOption } from '../../shared/config/option.ts';
import { table } from './text.ts';

const OPENING = `# Configuration

<!-- Generated from shared/config/sections by scripts/generate: change it there. -->

One INI file in the dialect of oslo.config, named with \`--config-file FILE\` (may repeat; later files win) or in
\`DROVER_CONFIG\`. [etc/drover.conf](../etc/drover.conf) is a sample. Options that Nova has keep Nova's names and
defaults, so an existing \`nova.conf\` can be used: what Drover does not use of it is named in one warning. Anything
else that is not in this list is an error, with the nearest name. Relative paths are taken from the folder of the
last file. Secrets never appear in logs.

Times are seconds, or have a suffix (\`500ms\`, \`10s\`, \`5m\`, \`2h\`, \`1d\`); sizes are bytes, or have one (\`100MB\`,
\`1.5GiB\`). \`$name\` and \`\${section.name}\` stand for other options; \`$$\` is a dollar sign.
`;

/** The text of docs/configuration.md. */
export function configurationReference(): string {
  const body = sections.map((section) => {
    const rows = Object.entries(section.options).map(([name, option]) => [
      `\`${name}\``,
      defaultText(option),
      allowedText(option),
      option.help + (option.secret ? ' Secret.' : ''),
    ]);
    return `## [${section.name}]\n\n${section.help}\n\n${table(['option', 'default', 'allowed', 'meaning'], rows)}\n`;
  });
  return `${OPENING}\n${body.join('\n')}`;
}

function defaultText(option: AnyOption): string {
  if (option.computed !== null) return option.computed.shown;
  if (option.default_text === null || option.default_text === '') return option.repeats ? 'none' : 'unset';
  return option.default_text
    .split('\n')
    .map((value) => `\`${value.replaceAll(',', ', ')}\``)
    .join('\n');
}

function allowedText(option: AnyOption): string {
  return option.unit === null ? option.allowed : `${option.allowed} (${option.unit})`;
}
