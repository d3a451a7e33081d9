/** Errors of the identity area: code → HTTP status, message template, what to do next. */
export const identityErrors = {} as const;
