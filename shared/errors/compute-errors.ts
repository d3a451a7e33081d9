/** Errors of the compute area: code → HTTP status, message template, what to do next. */
export const computeErrors = {} as const;
