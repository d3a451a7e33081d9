/** Errors of the operations area: code → HTTP status, message template, what to do next. */
export const operationsErrors = {} as const;
