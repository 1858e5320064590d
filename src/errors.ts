/** Who has to act. */
export type Blame = 'config' | 'caller' | 'carrier' | 'gateway' | 'server';

/** The table of error codes: one row per kind of broken thing, used in logs, exit messages and API answers. */
export const kErrorTable = {
  CFG_INVALID: { blame: 'config', retry: 'never' },
  CFG_PORT_BUSY: { blame: 'config', retry: 'never' },
  CFG_UNREADABLE_FILE: { blame: 'config', retry: 'never' },
  PROMPT_MISSING: { blame: 'config', retry: 'never' },
  SIP_UNREACHABLE: { blame: 'server', retry: 'safe' },
  SIP_CANCELLED: { blame: 'caller', retry: 'never' },
  SIP_NO_ACK: { blame: 'carrier', retry: 'never' },
  SIP_REFER_REFUSED: { blame: 'carrier', retry: 'never' },
  SDP_MALFORMED: { blame: 'carrier', retry: 'never' },
  SDP_NO_COMMON_CODEC: { blame: 'carrier', retry: 'never' },
  MEDIA_BUSY: { blame: 'server', retry: 'safe' },
  MEDIA_UNAVAILABLE: { blame: 'server', retry: 'safe' },
  MEDIA_NO_PORT: { blame: 'server', retry: 'safe' },
  MEDIA_TIMEOUT: { blame: 'carrier', retry: 'never' },
  MEDIA_REFUSED: { blame: 'server', retry: 'never' },
  GW_UNREACHABLE: { blame: 'gateway', retry: 'safe' },
  GW_RESULT_UNKNOWN: { blame: 'gateway', retry: 'never' },
  STORE_FAILED: { blame: 'server', retry: 'never' },
  CHILD_FAILED: { blame: 'server', retry: 'safe' },
  INTERNAL: { blame: 'server', retry: 'never' },
} as const satisfies Record<string, { blame: Blame; retry: 'safe' | 'never' }>;

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
