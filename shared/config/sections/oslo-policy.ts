import { boolean, multi, path, string } from '../option.ts';
import { defineSection } from '../section.ts';

export const osloPolicySection = defineSection(
  'oslo_policy',
  'Who may do what. The rules are in policy.yaml, re-read when it changes.',
  {
    policy_file: path({
      default: 'policy.yaml',
      help: 'File with the rules that differ from the defaults. It need not exist.',
    }),
    policy_dirs: multi({
      default: ['policy.d'],
      help: 'Folders whose files are merged over policy_file in the order of their names.',
    }),
    policy_default_rule: string({
      default: 'default',
      help: 'Rule that decides in place of one that does not exist.',
    }),
    enforce_scope: boolean({ default: false, help: 'A system-scoped token fails on rules of projects.' }),
    enforce_new_defaults: boolean({
      default: false,
      help: "Only the newer defaults with the roles reader and member count. Otherwise the older ones (any role in the server's project; is_admin) pass as well, as in Nova's Zed.",
    }),
  },
);
