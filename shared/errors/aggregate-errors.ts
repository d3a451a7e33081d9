/** Errors of host aggregates and of the old host list, in Nova's words (facts document, section 2.8). */
export const aggregateErrors = {
  aggregate_not_found: {
    http_status: 404,
    message: 'Aggregate {aggregate} could not be found.',
    advice: 'List them with `openstack aggregate list`; an aggregate is named by its number here.',
  },
  aggregate_id_invalid: {
    http_status: 400,
    message: 'Invalid input received: id must be an integer',
    advice: 'An aggregate is named by its number; `openstack aggregate list` shows it.',
  },
  aggregate_name_taken: {
    http_status: 409,
    message: 'Aggregate {name} already exists.',
    advice: 'Choose another name.',
  },
  aggregate_not_empty: {
    http_status: 400,
    message: 'Cannot remove host from aggregate {aggregate}. Reason: Host aggregate is not empty.',
    advice: 'Remove its hosts first.',
  },
  aggregate_has_host: {
    http_status: 409,
    message: 'Aggregate {aggregate} already has host {host}.',
    advice: 'Nothing to do.',
  },
  aggregate_lacks_host: {
    http_status: 404,
    message: 'Cannot remove host {host} in aggregate {aggregate}',
    advice: 'See the hosts of the aggregate with `openstack aggregate show`.',
  },
  aggregate_host_not_found: {
    http_status: 404,
    message: 'Compute host {host} could not be found.',
    advice: 'List the hosts with `drover host list`.',
  },
  aggregate_addition_refused: {
    http_status: 409,
    message: 'Cannot add host to aggregate {aggregate}. Reason: {reason}.',
    advice: 'A host can be in one availability zone only: take it out of the other one first.',
  },
  aggregate_update_refused: {
    http_status: 400,
    message: 'Cannot update aggregate {aggregate}. Reason: {reason}.',
    advice: 'A zone changes only while none of its hosts has servers or is in another zone.',
  },
  aggregate_metadata_refused: {
    http_status: 400,
    message: 'Cannot update metadata of aggregate {aggregate}. Reason: {reason}.',
    advice: 'A zone changes only while none of its hosts has servers or is in another zone.',
  },
  aggregate_images_repeated: {
    http_status: 400,
    message: 'Duplicate images in request',
    advice: 'Name each image once.',
  },
  host_power_unsupported: {
    http_status: 400,
    message: "The host action '{action}' is not supported by this deployment.",
    advice: 'Drover does not switch hosts on and off; use their own management.',
  },
} as const;
