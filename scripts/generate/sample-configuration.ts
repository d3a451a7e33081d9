import { sections } from '../../shared/config/configuration.ts';
import type { AnyOption } from '../../shared/config/option.ts';
import { wrap } from './text.ts';

const OPENING = `Sample configuration of Drover. Every option with its default; nothing here needs to be set.

Generated from shared/config/sections by scripts/generate: change it there.

The dialect is oslo.config's, and options that Nova has keep Nova's names, so an existing nova.conf can be used as it is. A comment starts at the beginning of a line. A line that starts with white space continues the one above. $name and \${section.name} stand for other options; $$ is a dollar sign.`;

/** The text of etc/drover.conf. */
export function sampleConfiguration(): string {
  const body = sections.map((section) =>
    [
      `[${section.name}]`,
      '',
      ...wrap(section.help, '# '),
      '',
      ...Object.entries(section.options).flatMap(([name, option]) => sampleOption(name, option)),
    ].join('\n'),
  );
  return `${OPENING.split('\n')
    .flatMap((line) => wrap(line, '# '))
    .join('\n')}\n\n${body.join('\n')}`;
}

function sampleOption(name: string, option: AnyOption): readonly string[] {
  const unit = option.unit === null ? '' : ` Unit: ${option.unit}.`;
  return [
    ...wrap(option.help, '# '),
    ...wrap(`Allowed: ${option.allowed}.${unit}`, '# '),
    ...assignments(name, option),
    '',
  ];
}

function assignments(name: string, option: AnyOption): readonly string[] {
  if (option.computed !== null) return [`#${name} = <${option.computed.shown}>`];
  const values = option.default_text?.split('\n') ?? [''];
  return values.map((value) => `#${name} = ${value}`.trimEnd());
}
