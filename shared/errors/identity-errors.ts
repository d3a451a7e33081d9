const malformed =
  'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.';

/** Errors of the identity area: code → HTTP status, message template, what to do next. Texts are Keystone's. */
export const identityErrors = {
  unauthenticated: {
    http_status: 401,
    message: 'The request you have made requires authentication.',
    advice: 'Get a token (`openstack token issue`) and send it as X-Auth-Token; an old one may have expired.',
  },
  too_many_logins: {
    http_status: 429,
    message: 'Too many log-ins at once.',
    advice: 'Wait a moment and repeat; use one token for many requests instead of a log-in for each.',
  },
  identity_forbidden: {
    http_status: 403,
    message: 'You are not authorized to perform the requested action: {rule}.',
    advice: 'This needs the role admin.',
  },
  identity_not_found: {
    http_status: 404,
    message: 'Could not find {kind}: {id}.',
    advice: 'Check the id; names work only as filters of lists.',
  },
  identity_conflict: {
    http_status: 409,
    message: 'Conflict occurred attempting to store {kind} - Duplicate entry found with name {name}.',
    advice: 'Choose another name.',
  },
  role_immutable: {
    http_status: 403,
    message: 'You are not authorized to perform the requested action: the role {name} is immutable.',
    advice: 'The roles admin, member and reader stay as they are.',
  },
  catalog_needs_project: {
    http_status: 403,
    message: 'A project-scoped token is required to produce a service catalog.',
    advice: 'Ask for a token with a project scope.',
  },
  subject_token_not_found: {
    http_status: 404,
    message: 'Failed to validate token',
    advice: 'The token in X-Subject-Token is unknown, expired or revoked.',
  },
  identity_body_incomplete: {
    http_status: 400,
    message: `Expecting to find {attribute} in {target}. ${malformed}`,
    advice: 'Send the named attribute.',
  },
  identity_body_invalid: {
    http_status: 400,
    message: "Invalid input for field '{field}': {message}",
    advice: 'Correct the named field.',
  },
  identity_json_invalid: {
    http_status: 400,
    message: `Expecting to find valid JSON in request body. ${malformed}`,
    advice: 'Send a JSON object in UTF-8.',
  },
  identity_json_expected: {
    http_status: 400,
    message: `Expecting to find application/json in Content-Type header. ${malformed}`,
    advice: 'Send the body as application/json.',
  },
} as const;
