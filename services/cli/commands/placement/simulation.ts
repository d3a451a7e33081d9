import { isDroverError } from '../../../../shared/errors/drover-error.ts';
import { hostName } from '../../../../shared/domain/ids.ts';
import { accountOf } from '../../../scheduler/placement/account.ts';
import { explainHost } from '../../../scheduler/placement/explain.ts';
import type { Decision } from '../../../scheduler/placement/decision.ts';
import { plan } from '../../../scheduler/placement/plan.ts';
import { defaultPlacementSettings, type PlacementSettings } from '../../../scheduler/placement/settings.ts';
import { loadProblem, type PlacementProblem } from '../../../scheduler/placement/text-form/problem.ts';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import type { DecisionView } from '../../output/decision.ts';

export interface SimulationFile {
  readonly file: string;
  readonly text: string;
}

export interface Simulated {
  readonly name: string;
  readonly alternates: readonly string[];
  readonly view: DecisionView;
}

interface Wish {
  readonly config_files: readonly string[];
  readonly flavor: string | undefined;
  readonly only: readonly string[];
}

/** Reads files as one problem. @throws CommandFailure (usage) with the file and the line that is wrong */
export async function loadSimulation(
  files: readonly SimulationFile[],
  wish: Wish,
): Promise<PlacementProblem> {
  const settings = await baseSettings(wish.config_files);
  const asked = wish.flavor === undefined ? [] : [{ file: '--flavor', text: requestLine(wish.flavor) }];
  const all = [...files, ...asked];
  let problem: PlacementProblem;
  try {
    problem = loadProblem(all.map(({ text }) => text.replace(/\n$/, '')).join('\n'), settings);
  } catch (error) {
    throw isDroverError(error, 'cluster_text_invalid') ? placed(error.values, all) : error;
  }
  const wanted = wish.flavor === undefined ? wish.only : [...wish.only, ASKED];
  for (const name of wish.only) {
    if (!problem.requests.some((request) => request.name === name)) {
      const names = problem.requests.map((request) => request.name).join(', ');
      throw new CommandFailure(
        ExitCode.usage,
        `No request named '${name}' in the files. There are: ${names || 'none'}.`,
      );
    }
  }
  const requests =
    wanted.length === 0 ? problem.requests : problem.requests.filter(({ name }) => wanted.includes(name));
  if (requests.length === 0) {
    throw new CommandFailure(
      ExitCode.usage,
      'The files ask for nothing.',
      'Say what to place: --flavor vcpus=2,memory_mb=2048,root_gb=20; or write a request line, or dump with --for.',
    );
  }
  return { ...problem, requests };
}

const ASKED = 'asked';

/** `vcpus=2,memory_mb=2048,ignore=c1,c2`: a comma separates only before the next `key=`. */
function requestLine(flavor: string): string {
  return `request ${ASKED} ${flavor.replaceAll(/,(?=[\w.:-]+=)/g, ' ')}`;
}

async function baseSettings(config_files: readonly string[]): Promise<PlacementSettings> {
  if (config_files.length === 0) return defaultPlacementSettings;
  const { loadConfiguration } = await import('../../../../shared/config/configuration.ts');
  const { loadPlacementSettings } = await import('../../../scheduler/settings.ts');
  return await loadPlacementSettings(loadConfiguration(config_files));
}

/** The line's number in its own file. */
function placed(
  values: Readonly<Record<string, string | number>>,
  files: readonly SimulationFile[],
): CommandFailure {
  let line = Number(values['line']);
  for (const { file, text } of files) {
    const lines = text.replace(/\n$/, '').split('\n').length;
    if (line <= lines) return new CommandFailure(ExitCode.usage, `${file}:${line}: ${values['problem']}.`);
    line -= lines;
  }
  return new CommandFailure(ExitCode.usage, String(values['problem']));
}

/** Decides the requests in order, each on what those before it left, and compares with what the files expect. */
export function runSimulation(
  { snapshot, settings, requests, expectations }: PlacementProblem,
  hosts_max: number,
): { readonly decided: readonly Simulated[]; readonly unmet: readonly string[] } {
  const { decisions } = plan(snapshot, requests, settings);
  const decided = requests.flatMap(({ name }, index): readonly Simulated[] => {
    const decision = decisions[index];
    return decision === undefined
      ? []
      : [{ name, alternates: decision.alternates, view: viewOf(decision, hosts_max) }];
  });
  const unmet = expectations.flatMap(({ name, host, reason }) => {
    const view = decided.find((one) => one.name === name)?.view;
    if (view === undefined) return [];
    if (view.chosen_host !== host) {
      return [`${name}: expected ${host ?? 'no host'}, found ${view.chosen_host ?? view.summary}`];
    }
    return reason === null || view.summary.includes(reason)
      ? []
      : [`${name}: expected a reason with "${reason}", found: ${view.summary}`];
  });
  return { decided, unmet };
}

function viewOf(decision: Decision, hosts_max: number): DecisionView {
  const account = accountOf(decision, { hosts_max });
  return {
    ...account,
    summary:
      decision.no_valid_host?.message ?? `${decision.chosen ?? ''} of ${decision.weighed} that would do`,
    hosts_considered: account.considered,
    hosts_weighed: account.weighed,
  };
}

/** One host as every filter sees it, for each request. @throws CommandFailure (usage) for an unknown host */
export function explainInSimulation(problem: PlacementProblem, host: string) {
  return problem.requests.map(({ name, request, seed }) => {
    const found = explainHost(problem.snapshot, hostName(host), request, problem.settings, seed);
    if (found === null) throw new CommandFailure(ExitCode.usage, `No host named '${host}' in the files.`);
    const { verdicts, weighed, decision } = found;
    return {
      name,
      explanation: {
        host,
        verdicts: verdicts.map((verdict) => ({ ...verdict })),
        weighed,
        chosen_host: decision.chosen,
        best: decision.ranked[0] ?? null,
      },
    };
  });
}
