/**
 * What a script may trust. Written in `drover --help` and docs/cli.md.
 *
 *   0  it was done: with --wait the thing asked for has happened, without it was accepted
 *   1  the server refused it or could not be reached; nothing changed
 *   2  the command line or the environment is wrong; nothing was sent
 *   3  it was accepted and did not happen: no valid host, failed and taken back, cancelled; or a dry run found no host
 *   4  --timeout passed; it goes on without us
 */
export const ExitCode = { done: 0, refused: 1, usage: 2, notHappened: 3, timeout: 4 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An end with a sentence for the person and a number for the script. */
export class CommandFailure extends Error {
  readonly exit_code: ExitCode;
  /** A second line: what to do next. */
  readonly advice: string | null;

  constructor(exit_code: ExitCode, message: string, advice: string | null = null) {
    super(message);
    this.name = 'CommandFailure';
    this.exit_code = exit_code;
    this.advice = advice;
  }
}
