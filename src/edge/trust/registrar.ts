import type { Clock } from '../../ports/clock.ts';
import { type Address, parseAddressList } from '../sip/address.ts';
import { parseDecimal } from '../sip/characters.ts';
import type { Essentials } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import { kMaxSeq, type SipRequest } from '../sip/message.ts';
import { parseSipUri } from '../sip/uri.ts';
import type { Flow } from '../transport/flow.ts';
import { type Binding, Bindings } from './binding.ts';
import type { RegistrarPolicy } from './policy.ts';

/** The answer to a REGISTER. */
export interface RegistrarReply {
  readonly status: 200 | 400 | 403 | 423 | 500 | 503;
  readonly reason: string;
  readonly headers?: Headers;
}

const kOutbound = /(?:^|,)\s*outbound\s*(?:,|$)/i;
const kRepeated = ['+sip.instance', 'reg-id', 'q', 'methods'];

/**
 * Registers the phones of configured users (RFC 3261 section 10.3). Whoever gets here has proved to be `user`, and binds
 * phones to that user only.
 */
export class Registrar {
  readonly #clock: Clock;
  readonly #policy: RegistrarPolicy;
  readonly #bindings: Bindings;

  constructor(clock: Clock, policy: RegistrarPolicy) {
    this.#clock = clock;
    this.#policy = policy;
    this.#bindings = new Bindings(policy.contactsPerUser);
  }

  get size(): number {
    return this.#bindings.size(this.#clock.now());
  }

  /** The phone to call for a user, if one is registered: the one that registered last. */
  find(user: string): Binding | undefined {
    return this.#bindings.of(user, this.#clock.now())[0];
  }

  /** A connection has gone, so have the phones behind it (RFC 5626 section 5.3). */
  loseFlow(lost: Flow): void {
    if (lost.connection !== undefined) this.#bindings.lose(({ flow }) => isSameConnection(flow, lost));
  }

  register(user: string, request: SipRequest, essentials: Essentials, flow: Flow): RegistrarReply {
    if (userOf(essentials.to) !== user) return { status: 403, reason: 'Forbidden' };
    const values = request.headers.all('contact');
    const expiresS = readExpires(request.headers.first('expires'));
    if (expiresS === undefined) return { status: 400, reason: 'Bad Expires' };
    if (values.length === 0) return this.#answer(user, request); // asks what there is
    if (values.some((value) => value.trim() === '*')) {
      if (values.length > 1 || expiresS !== 0) return { status: 400, reason: 'Bad Contact' };
      return this.#removeAll(user, request, essentials);
    }
    const contacts = values.map(parseAddressList);
    if (contacts.some((list) => list === undefined)) return { status: 400, reason: 'Bad Contact' };
    return this.#bind(
      user,
      request,
      essentials,
      flow,
      contacts.flatMap((list) => list ?? []),
      expiresS,
    );
  }

  #removeAll(user: string, request: SipRequest, { callId, cseq }: Essentials): RegistrarReply {
    const isLate = this.#known(user).some((known) => known.callId === callId && known.seq >= cseq.seq);
    if (isLate) return outOfOrder();
    this.#bindings.replace(user, []);
    return this.#answer(user, request);
  }

  #bind(
    user: string,
    request: SipRequest,
    { callId, cseq }: Essentials,
    flow: Flow,
    contacts: readonly Address[],
    expiresS: number | null,
  ): RegistrarReply {
    let kept = [...this.#known(user)];
    const isOutbound = kOutbound.test(request.headers.all('supported').join(','));
    for (const contact of contacts) {
      const asked = readExpires(contact.params.get('expires'));
      if (asked === undefined || !parseSipUri(contact.uri)) return { status: 400, reason: 'Bad Contact' };
      const wantedS = asked ?? expiresS ?? this.#policy.maxExpiresS;
      if (wantedS > 0 && wantedS < this.#policy.minExpiresS) return this.#tooBrief();
      const key = keyOf(contact, isOutbound);
      const known = kept.find((each) => each.key === key);
      if (known && known.callId === callId && known.seq >= cseq.seq) return outOfOrder();
      kept = kept.filter((each) => each !== known);
      if (wantedS === 0) continue;
      const untilMs = this.#clock.now() + Math.min(wantedS, this.#policy.maxExpiresS) * 1_000;
      kept.unshift({
        user,
        uri: contact.uri,
        params: contact.params,
        key,
        callId,
        seq: cseq.seq,
        flow,
        untilMs,
      });
    }
    if (!this.#bindings.replace(user, kept)) {
      const headers = new Headers().add('Retry-After', String(this.#policy.minExpiresS));
      return { status: 503, reason: 'Too Many Contacts', headers };
    }
    return this.#answer(user, request);
  }

  #known(user: string): readonly Binding[] {
    return this.#bindings.of(user, this.#clock.now());
  }

  #tooBrief(): RegistrarReply {
    const headers = new Headers().add('Min-Expires', String(this.#policy.minExpiresS));
    return { status: 423, reason: 'Interval Too Brief', headers };
  }

  /** Every phone of the user, with the seconds it has left (RFC 3261 section 10.3 step 8). */
  #answer(user: string, request: SipRequest): RegistrarReply {
    const bindings = this.#known(user);
    const headers = new Headers();
    for (const binding of bindings) headers.add('Contact', this.#contactText(binding));
    const asksOutbound = kOutbound.test(request.headers.all('supported').join(','));
    if (asksOutbound && bindings.some(({ params }) => params.has('reg-id')))
      headers.add('Require', 'outbound');
    headers.add('Date', this.#clock.date().toUTCString());
    return { status: 200, reason: 'OK', headers };
  }

  #contactText({ uri, params, untilMs }: Binding): string {
    const repeated = kRepeated.flatMap((name) => {
      const value = params.get(name);
      return value === undefined ? [] : [`;${name}=${value}`];
    });
    const leftS = Math.max(1, Math.round((untilMs - this.#clock.now()) / 1_000));
    return `<${uri}>${repeated.join('')};expires=${leftS}`;
  }
}

function isSameConnection(a: Flow, b: Flow): boolean {
  return a.connection === b.connection && a.transport === b.transport && a.local.port === b.local.port;
}

function outOfOrder(): RegistrarReply {
  return { status: 500, reason: 'Out Of Order' };
}

/** RFC 5626 section 6: instance and reg-id name a phone whatever its address is now. */
function keyOf({ uri, params }: Address, isOutbound: boolean): string {
  const instance = params.get('+sip.instance');
  const regId = params.get('reg-id');
  return isOutbound && instance && regId ? `${instance} ${regId}` : uri;
}

/** Seconds, null when not given, undefined when malformed. */
function readExpires(text: string | undefined): number | null | undefined {
  if (text === undefined || text === '') return null;
  return parseDecimal(text, 2 * kMaxSeq + 1);
}

/** User of an address, in the words of the configuration. */
function userOf({ uri }: Address): string | undefined {
  const user = parseSipUri(uri)?.user?.split(/[:;]/)[0];
  if (user === undefined) return undefined;
  try {
    return decodeURIComponent(Buffer.from(user, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}
