/** Errors of placement, claims and the migration machine. */
export const migrationErrors = {
  pci_alias_invalid: {
    http_status: 500,
    message: 'The option [pci] alias cannot be used: {problem}: {alias}',
    advice: 'Write it as JSON, as docs/configuration.md shows.',
  },
  placement_module_invalid: {
    http_status: 500,
    message: 'The placement module {module} cannot be used: {problem}.',
    advice: 'See docs/adding-a-filter.md and docs/adding-a-weigher.md for what such a module exports.',
  },
  cluster_text_invalid: {
    http_status: 400,
    message: 'The text form of the cluster cannot be read at line {line}: {problem}.',
    advice: 'Correct the line, or write the file again with `drover cluster dump`.',
  },
  unknown_filter: {
    http_status: 500,
    message: 'Scheduler Host {kind} {name} could not be found. The nearest names are: {nearest}.',
    advice: 'Correct the name in [filter_scheduler], or name the module that provides it.',
  },
  no_valid_host: {
    http_status: 409,
    message: '{message}',
    advice: 'Run `drover server migrate explain {instance}` to see every host with its reason.',
  },
  stale_epoch: {
    http_status: 409,
    message:
      'Refused {command} for instance {instance} on {host}: it carries epoch {epoch}, this host has seen {seen}.',
    advice: 'Nothing to do: another host has become the home of this instance since the command was sent.',
  },
  stale_fencing: {
    http_status: 409,
    message:
      'Refused {command} for instance {instance} on {host}: it carries fencing number {fencing}, this host has seen {seen}.',
    advice: 'Nothing to do: another scheduler has taken this operation over.',
  },
} as const;
