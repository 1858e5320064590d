/** Something an agent's page shows. Counts and names only: nothing of it holds a digit beyond the last four. */
export type SessionEvent =
  | { readonly type: 'prepared' | 'started' }
  | { readonly type: 'dialling'; readonly role: string }
  /** `callId` tells legs of one role apart. */
  | { readonly type: 'joined' | 'left'; readonly role: string; readonly callId: string }
  /** What a leg was like, once it is over: figures by name, and its codec. */
  | {
      readonly type: 'measured';
      readonly role: string;
      readonly callId: string;
      readonly [figure: string]: string | number;
    }
  | { readonly type: 'not_reached'; readonly role: string; readonly status: number }
  | { readonly type: 'stage'; readonly stage: string }
  | { readonly type: 'digits'; readonly field: string | null; readonly count: number }
  | { readonly type: 'field_error'; readonly field: string; readonly error: string }
  | { readonly type: 'secure_mode'; readonly on: boolean }
  /** Whether listeners are kept from the customer's keys; `failed`: it cannot be said of all, so nothing is asked. */
  | { readonly type: 'clamp'; readonly state: 'on' | 'failed' | 'off' }
  | { readonly type: 'attempt'; readonly outcome: string; readonly declineClass: string | null }
  | { readonly type: 'action'; readonly action: string }
  /** `interrupted`: it cannot be kept for now, and what is said meanwhile is silent in it. */
  | {
      readonly type: 'recording';
      readonly state: 'started' | 'failed' | 'interrupted' | 'resumed' | 'ended';
      readonly sink: string;
      readonly name: string | null;
    }
  | { readonly type: 'ended'; readonly result: string };

export type NumberedEvent = SessionEvent & { readonly seq: number; readonly at: string };

const kMostKept = 200;

/** The newest events of a session, numbered from 1 without a gap. */
export class SessionEvents {
  readonly #date: () => Date;
  readonly #onAdd: (event: SessionEvent) => void;
  readonly #kept: NumberedEvent[] = [];
  #seq = 0;

  /** @param onAdd - told of each event as it is added. */
  constructor(date: () => Date, onAdd: (event: SessionEvent) => void = () => undefined) {
    this.#date = date;
    this.#onAdd = onAdd;
  }

  get list(): readonly NumberedEvent[] {
    return this.#kept;
  }

  add(event: SessionEvent): void {
    this.#kept.push({ seq: ++this.#seq, at: this.#date().toISOString(), ...event });
    if (this.#kept.length > kMostKept) this.#kept.shift();
    this.#onAdd(event);
  }
}
