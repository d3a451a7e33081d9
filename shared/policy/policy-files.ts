import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { DroverError } from '../errors/drover-error.ts';

/** Rule name → the text (or list) as the files have it. */
export type PolicyFileRules = ReadonlyMap<string, unknown>;

/**
 * A text that changes whenever one of the files does. Two or three stat calls, some microseconds: cheap enough for
 * every enforcement.
 */
export function fingerprint(file: string, folders: readonly string[]): string {
  return policyFiles(file, folders)
    .map((name) => {
      const found = statSync(name, { throwIfNoEntry: false });
      return found === undefined ? `${name} -` : `${name} ${found.mtimeMs} ${found.size} ${found.ino}`;
    })
    .join('\n');
}

/**
 * Reads the main file and then the folders' files in the order of their names; later ones win. Missing files and
 * folders are empty ones.
 * @throws DroverError policy_file_invalid with file and line
 */
export function readPolicyFiles(file: string, folders: readonly string[]): PolicyFileRules {
  const rules = new Map<string, unknown>();
  for (const name of policyFiles(file, folders))
    if (statSync(name, { throwIfNoEntry: false })?.isFile() === true)
      for (const [rule, check] of Object.entries(readRules(name))) rules.set(rule, check);
  return rules;
}

function policyFiles(file: string, folders: readonly string[]): readonly string[] {
  return [file, ...folders.flatMap((folder) => listFolder(folder))];
}

function listFolder(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
}

function readRules(file: string): Record<string, unknown> {
  const document = parseDocument(readFileSync(file, 'utf8'));
  const problem = document.errors[0];
  if (problem !== undefined)
    throw new DroverError('policy_file_invalid', {
      file,
      line: problem.linePos?.[0].line ?? 1,
      reason: problem.message.split('\n')[0] ?? problem.code,
    });
  const content: unknown = document.toJS();
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content))
    throw new DroverError('policy_file_invalid', {
      file,
      line: 1,
      reason: 'it must hold lines of the form "rule name": "check"',
    });
  return content as Record<string, unknown>;
}
