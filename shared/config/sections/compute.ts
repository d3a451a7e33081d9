import { duration } from '../option.ts';
import { defineSection } from '../section.ts';

export const computeSection = defineSection('compute', 'The host and its guests.', {
  shutdown_retry_interval: duration({
    default: 10,
    minimum: 1,
    help: 'A guest that does not react is asked to shut down again after this time.',
  }),
});
