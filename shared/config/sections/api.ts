import { integer, string } from '../option.ts';
import { defineSection } from '../section.ts';

export const apiSection = defineSection('api', 'The Compute API.', {
  max_limit: integer({ default: 1000, minimum: 0, help: 'Most items in one answer of a list.' }),
  compute_link_prefix: string({
    default: null,
    pattern: /^https?:\/\/\S+$/,
    allowed: 'a URL that starts with http:// or https://',
    help: 'Put in front of the links in answers, for an api behind a proxy. Unset: what the request was addressed to.',
  }),
});
