/** Who has to act. */
export type Blame = 'config' | 'caller' | 'carrier' | 'gateway' | 'server' | 'client';

/**
 * The table of error codes: one row per kind of broken thing, used in logs, exit messages and API answers. `status` is the HTTP status of an
 * answer about it; `client` is who called the API.
 */
export const kErrorTable = {
  CFG_INVALID: { blame: 'config', retry: 'never', status: 500 },
  CFG_PORT_BUSY: { blame: 'config', retry: 'never', status: 500 },
  CFG_UNREADABLE_FILE: { blame: 'config', retry: 'never', status: 500 },
  PROMPT_MISSING: { blame: 'config', retry: 'never', status: 500 },
  SIP_UNREACHABLE: { blame: 'server', retry: 'safe', status: 503 },
  SIP_CANCELLED: { blame: 'caller', retry: 'never', status: 409 },
  SIP_NO_ACK: { blame: 'carrier', retry: 'never', status: 502 },
  SIP_REFER_REFUSED: { blame: 'carrier', retry: 'never', status: 502 },
  SDP_MALFORMED: { blame: 'carrier', retry: 'never', status: 502 },
  SDP_NO_COMMON_CODEC: { blame: 'carrier', retry: 'never', status: 502 },
  MEDIA_BUSY: { blame: 'server', retry: 'safe', status: 503 },
  MEDIA_UNAVAILABLE: { blame: 'server', retry: 'safe', status: 503 },
  MEDIA_NO_PORT: { blame: 'server', retry: 'safe', status: 503 },
  MEDIA_TIMEOUT: { blame: 'carrier', retry: 'never', status: 502 },
  MEDIA_REFUSED: { blame: 'server', retry: 'never', status: 500 },
  RECORDING_FAILED: { blame: 'server', retry: 'safe', status: 503 },
  GW_UNREACHABLE: { blame: 'gateway', retry: 'safe', status: 502 },
  GW_RESULT_UNKNOWN: { blame: 'gateway', retry: 'never', status: 502 },
  STORE_FAILED: { blame: 'server', retry: 'never', status: 503 },
  CHILD_FAILED: { blame: 'server', retry: 'safe', status: 503 },
  API_BAD_REQUEST: { blame: 'client', retry: 'never', status: 400 },
  API_UNAUTHORIZED: { blame: 'client', retry: 'never', status: 401 },
  API_FORBIDDEN: { blame: 'client', retry: 'never', status: 403 },
  API_NOT_FOUND: { blame: 'client', retry: 'never', status: 404 },
  API_CONFLICT: { blame: 'client', retry: 'never', status: 409 },
  API_IN_PROGRESS: { blame: 'client', retry: 'safe', status: 409 },
  API_OUTCOME_UNKNOWN: { blame: 'server', retry: 'never', status: 409 },
  API_TOO_LARGE: { blame: 'client', retry: 'never', status: 413 },
  API_MEDIA_TYPE: { blame: 'client', retry: 'never', status: 415 },
  API_INVALID: { blame: 'client', retry: 'never', status: 422 },
  API_KEY_REUSED: { blame: 'client', retry: 'never', status: 422 },
  API_TOO_MANY_REQUESTS: { blame: 'client', retry: 'safe', status: 429 },
  API_BUSY: { blame: 'server', retry: 'safe', status: 503 },
  INTERNAL: { blame: 'server', retry: 'never', status: 500 },
} as const satisfies Record<string, { blame: Blame; retry: 'safe' | 'never'; status: number }>;

export type ErrorCode = keyof typeof kErrorTable;

/** A broken thing. Ordinary life (a decline, a hang-up, a time-out of the caller) is a value instead. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly blame: Blame;
  readonly retry: 'safe' | 'never';

  /** @param message - names the place, the value (never a card digit), what was expected, and the remedy. */
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.blame = kErrorTable[code].blame;
    this.retry = kErrorTable[code].retry;
  }
}
