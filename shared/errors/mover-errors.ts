/** Errors of the mover area: code → HTTP status, message template, what to do next. */
export const moverErrors = {} as const;
