/** Errors of the image area: code → HTTP status, message template, what to do next. */
export const imageErrors = {} as const;
