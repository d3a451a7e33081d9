import { commandReference } from './command-reference.ts';
import { configurationReference } from './configuration-reference.ts';
import { errorReference } from './error-reference.ts';
import { metricsReference } from './metrics-reference.ts';
import { sampleConfiguration } from './sample-configuration.ts';
import { samplePolicy } from './sample-policy.ts';

export interface GeneratedFile {
  /** Relative to the root of the repository. */
  readonly name: string;
  readonly text: string;
}

/** Everything that is checked in but comes from declarations. A unit test compares it. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { name: 'etc/drover.conf', text: sampleConfiguration() },
    { name: 'etc/policy.yaml', text: samplePolicy() },
    { name: 'docs/configuration.md', text: configurationReference() },
    { name: 'docs/cli.md', text: commandReference() },
    { name: 'docs/errors.md', text: errorReference() },
    { name: 'docs/metrics.md', text: metricsReference() },
  ];
}
