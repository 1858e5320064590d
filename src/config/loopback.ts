/** A plain HTTP address that does not leave this machine. */
export const kLoopbackUrl = /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(\/|$)/;
