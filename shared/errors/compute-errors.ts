/** Errors of the compute area: code → HTTP status, message template, what to do next. */
export const computeErrors = {
  // — the HTTP edge: texts are Nova's (facts document, sections 1.1 and 2) —
  validation_failed: {
    http_status: 400,
    message: '{message}',
    advice: 'Correct the named field and repeat.',
  },
  malformed_request: {
    http_status: 400,
    message:
      'The server could not comply with the request since it is either malformed or otherwise incorrect.',
    advice: 'Check the path, the query and the headers of the request.',
  },
  malformed_request_body: {
    http_status: 400,
    message: 'Malformed request body',
    advice: 'Send a JSON object in UTF-8 with the keys that the API reference names.',
  },
  unsupported_content_type: {
    http_status: 415,
    message: 'Unsupported Content-Type',
    advice: 'Send the body as application/json.',
  },
  request_too_large: {
    http_status: 413,
    message: 'Request is too large.',
    advice: 'A request body may have at most 114688 bytes.',
  },
  microversion_malformed: {
    http_status: 400,
    message: 'API Version String {version} is of invalid format. Must be of format MajorNum.MinorNum.',
    advice: 'Send OpenStack-API-Version: compute 2.N.',
  },
  microversion_unsupported: {
    http_status: 406,
    message: 'Version {version} is not supported by the API. Minimum is {oldest} and maximum is {newest}.',
    advice: 'Ask for a version in this range, or for `latest`.',
  },
  project_mismatch: {
    http_status: 400,
    message:
      "Malformed request URL: URL's project_id '{url_project}' doesn't match Context's project_id '{token_project}'",
    advice: "Use the URL of the token's own project, or leave the project id out of the path.",
  },
  token_without_project: {
    http_status: 403,
    message: 'The token has no project; a project is needed for this action.',
    advice: 'Ask for a token with a project scope.',
  },
  route_not_found: {
    http_status: 404,
    message: 'The resource could not be found.',
    advice: 'Check the path and the method.',
  },
  not_in_version: {
    http_status: 404,
    message: 'The resource could not be found.',
    advice: 'This method does not exist in the requested microversion.',
  },
  resource_gone: {
    http_status: 410,
    message: 'This resource is no longer available. No forwarding address is given.',
    advice: 'Nova removed this API; Drover does not have it either.',
  },
  service_unavailable: {
    http_status: 503,
    message: 'Service is unavailable at this time.',
    advice: 'The database cannot be reached; try again shortly.',
  },
} as const;
