import { boolean, float, list } from '../option.ts';
import { defineSection } from '../section.ts';

export const metricsSection = defineSection('metrics', 'MetricsFilter and MetricsWeigher.', {
  weight_multiplier: float({ default: 1, help: 'Multiplier of the metrics weigher.' }),
  weight_setting: list({
    default: [],
    help: 'Metrics that are weighed, as name=ratio: cpu.percent=-1.0, other=2.',
  }),
  required: boolean({
    default: true,
    help: 'A host that lacks a metric is an error; otherwise weight_of_unavailable counts.',
  }),
  weight_of_unavailable: float({
    default: -10_000,
    help: 'Weight of a host that lacks a metric, when it is not required.',
  }),
});
