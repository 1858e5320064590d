import type { SessionView } from '../../src/cli/demo/setting.ts';
import type { Caller, CallerOptions } from '../../src/phone/caller.ts';
import type { Step } from '../../src/phone/script.ts';
import { PaymentLab, until } from './payment-lab.ts';
import { type QuickVoice, quickVoice } from './quick-voice.ts';

const kSession = {
  topology: 'conference',
  customerId: 'C-1001',
  amount: '50.25',
  currency: 'USD',
  identified: true,
} as const;

/** What the API answered. */
export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A server that speaks quickly, and prepared sessions whose legs are phones of ours. */
export class RoomLab {
  readonly lab: PaymentLab;
  readonly #voice: QuickVoice;

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<RoomLab> {
    const voice = quickVoice();
    return new RoomLab(await PaymentLab.start({ HUSHPAY_AUDIO_DIR: voice.folder, ...environment }), voice);
  }

  private constructor(lab: PaymentLab, voice: QuickVoice) {
    this.lab = lab;
    this.#voice = voice;
  }

  async prepare(changes: Readonly<Record<string, unknown>> = {}): Promise<RoomSession> {
    const { status, body } = await this.post('/v1/sessions', { ...kSession, ...changes });
    if (status !== 201) throw new Error(`POST /v1/sessions answered ${status}: ${JSON.stringify(body)}`);
    return new RoomSession(this, String(body['id']), String(body['roomUri'] ?? body['payUri']));
  }

  async post(path: string, body: unknown): Promise<Answered> {
    const { httpUrl, apiKey } = this.lab.setting.server;
    const response = await fetch(httpUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Answered['body'] };
  }

  async stop(): Promise<void> {
    await this.lab.stop();
    this.#voice.remove();
  }
}

export class RoomSession {
  readonly id: string;
  readonly uri: string;
  readonly #rooms: RoomLab;

  constructor(rooms: RoomLab, id: string, uri: string) {
    this.#rooms = rooms;
    this.id = id;
    this.uri = uri;
  }

  /** A phone whose call to the room was answered. */
  async join(
    role: string,
    options: Partial<CallerOptions> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Caller> {
    const phone = await this.#rooms.lab.caller(options);
    const dialled = await phone.dial(this.uri, { 'X-Pay-Role': role, ...headers });
    if (dialled.kind === 'refused') throw new Error(`refused: ${dialled.response.startLine}`);
    await this.until((view) => rolesOf(view).includes(role === 'caller' ? 'customer' : role));
    return phone;
  }

  act(action: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answered> {
    return this.#rooms.post(`/v1/sessions/${this.id}/actions`, { action, ...more });
  }

  /** A payment that is cancelled in the middle of a number, whose second half the customer keys all the same. */
  async cancelWithin(card: string, customer: Caller): Promise<SessionView> {
    await this.act('start');
    await customer.follow([this.at('PAN_ENTRY')]);
    await customer.press(card.slice(0, 8));
    await this.act('cancel');
    const record = await this.record();
    await customer.press(card.slice(8));
    return record;
  }

  async view(): Promise<SessionView> {
    const view = await this.#rooms.lab.setting.session(this.id);
    if (!view) throw new Error('there is no such session');
    return view;
  }

  async until(condition: (view: SessionView) => boolean): Promise<SessionView> {
    let last: SessionView | undefined;
    await until(async () => {
      last = await this.#rooms.lab.setting.session(this.id);
      return last !== undefined && condition(last);
    }, `session ${this.id} as expected`);
    return last as unknown as SessionView;
  }

  /** Waits until the conversation has come to a stage for the n-th time. */
  at(stage: string, times = 1): Step {
    return {
      when: () => this.#rooms.lab.logged('stage', { sessionId: this.id, to: stage }, times),
    };
  }

  /** The row, once the payment has ended. */
  record(): Promise<SessionView> {
    return this.until((view) => view.result !== null && view.result !== undefined);
  }
}

export function rolesOf(view: SessionView): string[] {
  const parties = view['parties'] as readonly { role: string }[] | undefined;
  return (parties ?? []).map(({ role }) => role);
}
