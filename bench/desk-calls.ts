// The calls of `npm run bench -- desk`: real SIP from here, real RTP with real keys from one native process (native/bench/phones.cc), so
// that the load costs little of the machine it shares with what is measured.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Ladder } from '../src/phone/ladder.ts';
import { remoteOf, writeOffer } from '../src/phone/offer.ts';
import { SipPhone } from '../src/phone/sip-phone.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import type { ServerProcess } from '../test/support/server-process.ts';
import { kBuild } from './media-load.ts';

const kRtpPort = 17_000;
const kEventPayloadType = 101;
const kPatienceMs = 60_000;

/** One call of the load. */
interface Call {
  readonly sessionId: string;
  readonly phone: SipPhone;
  hangUp(): Promise<unknown>;
}

/** Telephones on calls, all in one; close() hangs up and ends them. */
export class DeskCalls {
  /** When each key of each session went down, in ms of CLOCK_MONOTONIC. */
  readonly pressedMs = new Map<string, number[]>();
  readonly #server: ServerProcess;
  readonly #phones: ChildProcess;
  readonly #calls: Call[] = [];
  readonly #done = Promise.withResolvers<void>();

  /** @param keys - that each presses, one every `keyEveryMs`. */
  constructor(server: ServerProcess, keys: number, keyEveryMs: number) {
    this.#server = server;
    const settings = [kRtpPort, keys, keyEveryMs].map(String);
    this.#phones = spawn(`${kBuild}/hushpay-phones`, settings, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#phones.on('error', (error) => this.#done.reject(error));
    this.#phones.on('exit', () => this.#done.reject(new Error('the telephones have ended')));
    this.#done.promise.catch(() => undefined); // until somebody waits for it
    if (this.#phones.stdout)
      createInterface({ input: this.#phones.stdout }).on('line', (line) => this.#heed(line));
  }

  get sessionIds(): readonly string[] {
    return this.#calls.map(({ sessionId }) => sessionId);
  }

  /** Prepares a payment and calls it. @returns the status it was refused with, or undefined. */
  async place(): Promise<number | undefined> {
    const body = { topology: 'ivr', customerId: 'C-1', amount: '12.00', currency: 'USD', identified: true };
    const { id, payUri } = (await this.#ask('/v1/sessions', body)) as { id: string; payUri: string };
    const sip = { host: '127.0.0.1', port: this.#server.sipPorts.udp };
    const phone = await SipPhone.open('127.0.0.1', sip, new Ladder(kSystemClock), kSystemClock);
    const call = phone.newCall({ target: payUri, headers: {}, sdp: this.#offer(), referStatus: 202 });
    const { kind, response } = await call.invite();
    const remote = kind === 'answered' ? remoteOf(response.body) : undefined;
    if (!remote) {
      phone.close();
      return response.status;
    }
    this.#phones.stdin?.write(`${remote.address} ${remote.port}\n`);
    this.#calls.push({ sessionId: id, phone, hangUp: () => call.hangUp() });
    return undefined;
  }

  /** Waits until all of them are asked for the card number. */
  async atCardNumber(): Promise<void> {
    const giveUpMs = performance.now() + kPatienceMs;
    for (;;) {
      const { calls } = (await this.#ask('/v1/calls')) as { calls: readonly { stage?: string }[] };
      const there = calls.filter(({ stage }) => stage === 'PAN_ENTRY').length;
      if (there >= this.#calls.length) return;
      if (performance.now() > giveUpMs)
        throw new Error(`only ${there} of ${this.#calls.length} are at the card number`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Never a whole card number: none of the keys ends the entry. Resolves when the last one is up. */
  press(): Promise<void> {
    this.#phones.stdin?.write('keys\n');
    return this.#done.promise;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#calls.map(({ hangUp }) => hangUp()));
    for (const { phone } of this.#calls) phone.close();
    this.#phones.stdin?.end();
  }

  #heed(line: string): void {
    const [what, leg, , atMs] = line.split(' ');
    if (what === 'done') this.#done.resolve();
    const sessionId = this.#calls[Number(leg)]?.sessionId;
    if (what !== 'pressed' || sessionId === undefined) return;
    const pressed = this.pressedMs.get(sessionId) ?? [];
    pressed.push(Number(atMs));
    this.pressedMs.set(sessionId, pressed);
  }

  /** Of the next telephone, which has an address of its own (native/bench/legs.h). */
  #offer(): string {
    const at = this.#calls.length;
    const audio = {
      port: kRtpPort,
      codec: 'PCMU',
      eventPayloadType: kEventPayloadType,
      ptimeMs: 20,
    } as const;
    return writeOffer({
      ...audio,
      address: `127.16.${at >> 8}.${at & 255}`,
      direction: 'sendrecv',
      version: 1,
    });
  }

  async #ask(path: string, body?: object): Promise<unknown> {
    const { httpUrl, apiKey } = this.#server;
    const headers = {
      authorization: `Bearer ${apiKey}`,
      ...(body && { 'content-type': 'application/json' }),
    };
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const answer = await fetch(httpUrl + path, init);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.json();
  }
}
