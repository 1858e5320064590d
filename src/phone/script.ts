/** How a caller's keys travel; `event+tone`: each press both ways at once, as from a gateway that leaks the tone. */
export type KeyCarrier = 'event' | 'tone' | 'info' | 'event+tone';

/** What a caller does next. Nothing waits for time to pass, but for what is heard. */
export type Step =
  /** Listens until a prompt has been said to its end. */
  | { readonly hear: 'prompt' }
  /** Presses keys. */
  | { readonly key: string }
  /** Waits until a prompt has begun and presses keys over it. */
  | { readonly speakOver: string }
  /** Waits for what the caller learns in another way; what was heard before counts no more. */
  | { readonly when: (signal: AbortSignal) => Promise<unknown> }
  /** Stays on the line for so much audio, then hangs up. */
  | { readonly hangUpAfterMs: number };
