/** Errors of flavors, in Nova's words (facts document, section 2.8). */
export const flavorErrors = {
  flavor_not_found: {
    http_status: 404,
    message: 'Flavor {flavor} could not be found.',
    advice: 'List the flavors with `openstack flavor list --all`; a flavor is named by its id here.',
  },
  flavor_id_taken: {
    http_status: 409,
    message: 'Flavor with ID {flavor} already exists.',
    advice: 'Choose another id, or `auto`.',
  },
  flavor_name_taken: {
    http_status: 409,
    message: 'Flavor with name {name} already exists.',
    advice: 'Choose another name.',
  },
  flavor_marker_not_found: {
    http_status: 400,
    message: 'marker [{marker}] not found',
    advice: 'Use the id of the last flavor of the page before.',
  },
  flavor_extra_spec_not_found: {
    http_status: 404,
    message: 'Flavor {flavor} has no extra specs with key {key}.',
    advice: 'GET /flavors/{flavor}/os-extra_specs lists them.',
  },
  flavor_is_public: {
    http_status: 404,
    message: 'Access list not available for public flavors.',
    advice: 'Every project may use a public flavor.',
  },
  flavor_access_public: {
    http_status: 409,
    message: 'Can not add access to a public flavor.',
    advice: 'Every project may use a public flavor.',
  },
  flavor_access_exists: {
    http_status: 409,
    message: 'Flavor access already exists for flavor {flavor} and project {project} combination.',
    advice: 'Nothing to do.',
  },
  flavor_access_not_found: {
    http_status: 404,
    message: 'Flavor access not found for {flavor} / {project} combination.',
    advice: 'GET /flavors/{flavor}/os-flavor-access lists who has access.',
  },
} as const;
