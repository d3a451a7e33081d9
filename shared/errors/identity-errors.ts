/** Errors of the identity area: code → HTTP status, message template, what to do next. Texts are Keystone's. */
export const identityErrors = {
  unauthenticated: {
    http_status: 401,
    message: 'The request you have made requires authentication.',
    advice: 'Get a token (`openstack token issue`) and send it as X-Auth-Token; an old one may have expired.',
  },
} as const;
