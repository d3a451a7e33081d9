/**
 * The INI dialect of oslo.config, so that an existing nova.conf is read as Nova reads it:
 *
 *   - a comment is a line that STARTS with `#` or `;`; further right both belong to the value
 *     (a transport URL's password may hold either);
 *   - a line that starts with white space continues the value above it; a blank line ends the value;
 *   - `key = value` or `key: value`, whichever sign comes first; one pair of equal quotes around the value is cut;
 *   - a key may repeat: what that means is the option's business (shared/config/option.ts).
 */
export interface IniAssignment {
  readonly section: string;
  readonly name: string;
  /** Continuation lines are joined with a line feed. */
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

export interface IniProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface IniContent {
  readonly assignments: readonly IniAssignment[];
  /** Lines that are no INI. All of them, so that a person mends the file in one go. */
  readonly problems: readonly IniProblem[];
}

/** Reads one file's text. Never throws: what cannot be read is in `problems`. */
export function parseIni(text: string, file: string): IniContent {
  const assignments: IniAssignment[] = [];
  const problems: IniProblem[] = [];
  let section: string | null = null;
  let open: { name: string; values: string[]; line: number } | null = null;

  const finish = () => {
    if (open !== null && section !== null)
      assignments.push({ section, name: open.name, value: open.values.join('\n'), file, line: open.line });
    open = null;
  };

  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const content = raw.trimEnd();
    const report = (message: string) => problems.push({ file, line, message });
    if (content === '') finish();
    else if (/^[ \t]/.test(content)) {
      if (open === null) report('a continuation line, but there is no value above it to continue');
      else (open as { values: string[] }).values.push(content.trimStart());
    } else {
      finish();
      if (content.startsWith('#') || content.startsWith(';')) continue;
      if (content.startsWith('[')) {
        const name = /^\[(.*)\]$/.exec(content)?.[1];
        if (name === undefined) report(`the section header ${quote(content)} has no closing bracket`);
        else if (name === '') report('the section has no name');
        else section = name;
        continue;
      }
      const assignment = splitAssignment(content);
      if (assignment === null) report('the line is no section, no comment and has no "=" or ":"');
      else if (assignment.name === '') report('there is no option name before the sign');
      else if (section === null)
        report(
          `option ${quote(assignment.name)} stands before the first [section]; write [DEFAULT] above it`,
        );
      else open = { name: assignment.name, values: [assignment.value], line };
    }
  }
  finish();
  return { assignments, problems };
}

function splitAssignment(content: string): { name: string; value: string } | null {
  const at = content.search(/[=:]/);
  if (at < 0) return null;
  const value = content.slice(at + 1).trim();
  const quoted = /^(["'])([\s\S]*)\1$/.exec(value);
  return { name: content.slice(0, at).trim(), value: quoted?.[2] ?? value };
}

/** Names are shown, values never: the line may hold a password. */
function quote(content: string): string {
  const name = content.split(/[=:]/, 1)[0] ?? '';
  return `"${name.length > 60 ? `${name.slice(0, 60)}…` : name}"`;
}
