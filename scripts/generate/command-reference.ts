import { ExitCode } from '../../services/cli/exit-codes.ts';
import { createParser } from '../../services/cli/parser.ts';

const WIDTH = 100;

const OPENING = `# The command line

<!-- Generated from services/cli by scripts/generate: change it there. -->

\`drover\` speaks to the Compute, Image and Drover APIs with the usual \`OS_*\` variables or a \`clouds.yaml\`. \`db\` and
\`claims\` need the database itself, and \`placement simulate\` nothing but a file.

Exit codes, for scripts:

| code | meaning |
|------|---------|
| ${ExitCode.done} | it was done: with \`--wait\` it has happened, without it was accepted |
| ${ExitCode.refused} | refused, or not reachable; nothing changed |
| ${ExitCode.usage} | the command line or the environment is wrong; nothing was sent |
| ${ExitCode.notHappened} | accepted, and it did not happen: no valid host, failed and taken back, cancelled; or a dry run found no host for a server |
| ${ExitCode.timeout} | \`--timeout\` passed; it goes on |

Every command takes \`-f table|json|yaml|csv|value\` and \`-c COLUMN\`.
`;

/** The text of docs/cli.md: every command's help, groups in the order of the help. */
export function commandReference(): string {
  const parts: string[] = [];
  for (const group of subcommands([])) {
    parts.push(`## drover ${group.join(' ')}\n`);
    for (const command of leaves(group)) parts.push(`\`\`\`text\n${ownHelp(command)}\n\`\`\`\n`);
  }
  return `${OPENING}\n${parts.join('\n')}`;
}

/** The command and all below it; a group that does nothing itself is not one of them. */
function leaves(words: readonly string[]): ReadonlyArray<readonly string[]> {
  const below = subcommands(words);
  const own = below.length === 0 || takesArguments(words) ? [words] : [];
  return [...own, ...below.flatMap((command) => leaves(command))];
}

/** What the help lists as commands. */
function subcommands(words: readonly string[]): ReadonlyArray<readonly string[]> {
  const [, list = ''] = /^Commands:\n((?: {2}.*\n?)*)/m.exec(help(words, null)) ?? [];
  return [...list.matchAll(/^ {2}drover ((?:[a-z-]+ ?)+)/gm)]
    .map((match) => (match[1] ?? '').trim().split(' '))
    .filter((command) => command.at(-1) !== 'completion');
}

function takesArguments(words: readonly string[]): boolean {
  return /[<[]/.test(help(words, null).split('\n', 1)[0] ?? '');
}

/** Without the options that every command has, and has in the same sense. */
function ownHelp(words: readonly string[]): string {
  const common =
    /^\s+(?:--help|--version|-f, --format +How to|-c, --column|--os-cloud) .*\n(?: {20,}.*\n)*/gm;
  return `${help(words, WIDTH)}\n`
    .replaceAll(common, '')
    .replace(/^Options:\n(?=\n|$)/m, '')
    .replace(/\nExit codes: [\s\S]*$/, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd();
}

function help(words: readonly string[], width: number | null): string {
  let text = '';
  void createParser([])
    .exitProcess(false)
    .wrap(width)
    .parse([...words, '--help'], {}, (_error: unknown, _given: unknown, output: string) => {
      text = output;
    });
  return text;
}
