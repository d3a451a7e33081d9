import { integer } from '../option.ts';
import { defineSection } from '../section.ts';

export const schedulerSection = defineSection('scheduler', 'Choosing hosts.', {
  max_attempts: integer({
    default: 3,
    minimum: 1,
    help: 'Hosts that one request may try: the chosen one and its alternates.',
  }),
  max_placement_results: integer({
    default: 1000,
    minimum: 1,
    unit: 'hosts',
    help: 'Most hosts that one decision considers after capacity.',
  }),
});
