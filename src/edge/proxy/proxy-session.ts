import type { Cancel } from '../../ports/clock.ts';
import { stopReasonOf } from '../core/call-records.ts';
import type { EdgeContext } from '../core/context.ts';
import type { Inbound } from '../core/inbound.ts';
import { nextHop } from '../core/next-hop.ts';
import type { Outbound } from '../core/outbound.ts';
import type { ReplyParts } from '../core/reply.ts';
import type { Sending } from '../core/sending.ts';
import { parseAddress, parseAddressList, tagOf } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import type { Flow } from '../transport/flow.ts';
import { composeForward, hopOf, withoutTopVia } from './forwarding.ts';
import type { ProxyOptions } from './options.ts';

const kMaxTargets = 20;

/** Told what becomes of a proxied request. */
export interface ProxyReport {
  /** A final answer of one destination, as it came. */
  answered(response: SipResponse, flow: Flow): void;
  /** No more will come. */
  done(): void;
  /** An answer with a tag has gone back: it makes a dialog, early or for good. */
  dialogMade(response: SipResponse): void;
}

export interface ProxySetup {
  readonly context: EdgeContext;
  readonly sending: Sending;
  readonly inbound: Inbound;
  /** What is sent on: the request without routes to ourselves. */
  readonly request: SipRequest;
  readonly options: ProxyOptions;
  readonly added: Headers;
  readonly report: ProxyReport;
  /** Answers of our own. */
  readonly answer: (parts: ReplyParts) => void;
  /** In a dialog the Request-URI stays as it is. */
  readonly keepsUri: boolean;
}

/** One destination. */
interface Branch {
  readonly uri: string;
  readonly flow: Flow;
  outbound: Outbound | undefined;
  /** Its final answer, or one made up in its place. */
  final: SipResponse | undefined;
  cancelProvisional: Cancel;
  cancelFinal: Cancel;
}

/**
 * One request on its way to one or more destinations (RFC 3261 section 16). It ends with the first 2xx, or with the best of the
 * other answers once there is no destination left to try.
 */
export class ProxySession {
  readonly #setup: ProxySetup;
  readonly #waiting: string[];
  readonly #tried = new Set<string>();
  readonly #branches: Branch[] = [];
  readonly #acceptedTags = new Set<string>();
  /** No further destination is tried. */
  #closed = false;
  /** The final answer has gone back. */
  #ended = false;

  constructor(setup: ProxySetup) {
    this.#setup = setup;
    this.#waiting = [...setup.options.destinations];
  }

  /** @returns false when no destination could be reached at all; nothing has been answered then. */
  start(): boolean {
    this.#tryMore();
    return this.#branches.some(({ outbound }) => outbound !== undefined);
  }

  /** The caller gave up: every destination is cancelled, and what they say to it goes back. */
  cancel(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#cancelPending();
  }

  get #isInvite(): boolean {
    return this.#setup.request.method === 'INVITE';
  }

  #tryMore(): void {
    while (this.#waiting.length > 0 && !this.#closed) {
      if (!this.#setup.options.simultaneous && this.#pending().length > 0) return;
      const uri = this.#waiting.shift() ?? '';
      if (this.#tried.has(uri) || this.#branches.length >= kMaxTargets) continue;
      this.#tried.add(uri);
      this.#launch(uri);
    }
  }

  #launch(uri: string): void {
    const { context, request, options, inbound, added, keepsUri, sending } = this.#setup;
    const requestUri = keepsUri ? request.uri : uri;
    const hop = nextHop(context.network, request.headers.has('route') ? hopOf(request) : uri);
    if (hop.kind === 'refused') {
      context.log('warn', 'proxy destination not usable', { reason: hop.reason });
      return;
    }
    const recordRouteFor = options.remainInDialog ? inbound.flow : undefined;
    const composed = composeForward(context.network, request, {
      requestUri,
      flow: hop.flow,
      recordRouteFor,
      added,
    });
    const branch: Branch = {
      uri,
      flow: hop.flow,
      outbound: undefined,
      final: undefined,
      cancelProvisional: () => {},
      cancelFinal: () => {},
    };
    this.#branches.push(branch);
    if (this.#isInvite && !keepsUri)
      context.records.attempt('application', () => serialize(composed.request));
    this.#watch(branch);
    branch.outbound = sending.forward(composed, hop.flow, hop.query, (response, from) =>
      this.#receive(branch, response, from),
    );
  }

  #watch(branch: Branch): void {
    const { context, options } = this.#setup;
    const { provisionalMs, finalMs } = options;
    if (provisionalMs !== undefined)
      branch.cancelProvisional = context.timers.after(provisionalMs, () => this.#giveUp(branch));
    if (finalMs !== undefined) branch.cancelFinal = context.timers.after(finalMs, () => this.#giveUp(branch));
  }

  /** It has taken too long. */
  #giveUp(branch: Branch): void {
    if (branch.final || this.#ended) return;
    this.#cancelBranch(branch);
    this.#setFinal(branch, timedOut());
    this.#goOn();
  }

  #receive(branch: Branch, response: SipResponse, flow: Flow): void {
    const { status } = response;
    branch.cancelProvisional();
    if (status < 200) {
      if (status === 100 || branch.final || this.#ended) return;
      this.#setup.report.dialogMade(response);
      this.#sendBack(response);
      return;
    }
    if (status < 300) {
      this.#accepted(branch, response, flow);
      return;
    }
    if (branch.final) return; // given up before
    this.#setFinal(branch, response);
    this.#setup.report.answered(response, flow);
    this.#recordFailure('network', response);
    if (status < 400 && this.#setup.options.followRedirects) this.#redirect(response);
    const endsSearch = status >= 600 || status === 401 || status === 407;
    if (endsSearch) this.#close();
    this.#goOn();
  }

  #accepted(branch: Branch, response: SipResponse, flow: Flow): void {
    const { report, context, keepsUri } = this.#setup;
    if (this.#ended && this.#acceptedTags.size === 0) return; // the caller has had another answer
    const to = parseAddress(response.headers.first('to') ?? '');
    const tag = to ? tagOf(to) : '';
    const isCopy = this.#acceptedTags.has(tag);
    if (!this.#isInvite && this.#ended) return;
    this.#acceptedTags.add(tag);
    if (!branch.final) this.#setFinal(branch, response);
    const forwarded = this.#sendBack(response);
    if (isCopy) return;
    if (this.#isInvite && !keepsUri) {
      context.records.start('network', 'proxy-uac', () => serialize(response));
      context.records.start('application', 'proxy-uas', () => forwarded);
    }
    report.dialogMade(response);
    report.answered(response, flow);
    if (this.#ended) return;
    this.#ended = true;
    this.#close();
    report.done();
  }

  /** Contacts of a redirect are tried next, best first (RFC 3261 section 16.7, step 4). */
  #redirect(response: SipResponse): void {
    const contacts = response.headers.all('contact').flatMap((value) => parseAddressList(value) ?? []);
    const q = (value: string | undefined): number => Number(value ?? '1') || 0;
    const best = contacts.toSorted((a, b) => q(b.params.get('q')) - q(a.params.get('q')));
    this.#waiting.unshift(...best.map(({ uri }) => uri));
  }

  #close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#cancelPending();
  }

  #goOn(): void {
    this.#tryMore();
    if (this.#ended || this.#pending().length > 0) return;
    this.#ended = true;
    this.#sendBest();
    this.#setup.report.done();
  }

  #sendBest(): void {
    const finals = this.#branches.flatMap(({ final }) => final ?? []);
    const best = bestOf(finals) ?? timedOut();
    this.#recordFailure('application', best);
    // a 503 is our own trouble, the caller need not leave us for it (RFC 3261 section 16.7, step 6)
    if (!best.headers.has('via')) this.#setup.answer({ status: best.status === 503 ? 500 : best.status });
    else if (best.status === 503) this.#setup.answer({ status: 500 });
    else this.#sendBack(withChallenges(best, finals));
  }

  #recordFailure(source: 'network' | 'application', response: SipResponse): void {
    if (!this.#isInvite || this.#setup.keepsUri) return;
    this.#setup.context.records.stop(source, stopReasonOf(response.status), () => serialize(response));
  }

  /** @returns the bytes. */
  #sendBack(response: SipResponse): string {
    const { inbound, context } = this.#setup;
    const { transaction } = inbound.record;
    const bytes = serialize(withoutTopVia(response));
    if (response.status >= 200) context.inbound.answered(inbound.record);
    if (transaction.state === 'accepted') context.network.send(inbound.replyFlow, bytes, () => {});
    else transaction.respond(response.status, bytes);
    return bytes;
  }

  #setFinal(branch: Branch, response: SipResponse): void {
    branch.final = response;
    branch.cancelProvisional();
    branch.cancelFinal();
  }

  #pending(): Branch[] {
    return this.#branches.filter(({ final }) => final === undefined);
  }

  #cancelPending(): void {
    for (const branch of this.#pending()) this.#cancelBranch(branch);
  }

  #cancelBranch({ outbound: first }: Branch): void {
    const outbound = first && this.#setup.context.outbound.byId(first.id); // it may go by another way since
    if (!outbound || outbound.cancelled || !this.#isInvite) return;
    const { state } = outbound.transaction;
    if (state === 'calling' || state === 'proceeding') this.#setup.sending.cancel(outbound);
  }
}

function timedOut(): SipResponse {
  return { kind: 'response', status: 408, reason: 'Request Timeout', headers: new Headers(), body: '' };
}

/** 6xx first, then the lowest class; within 4xx those that tell the caller what to do (RFC 3261 section 16.7, step 6). */
function bestOf(finals: readonly SipResponse[]): SipResponse | undefined {
  const helpful = new Set([401, 407, 415, 420, 484]);
  const rank = ({ status }: SipResponse): number => {
    if (status >= 600) return 0;
    return (
      Math.floor(status / 100) * 1_000 +
      (helpful.has(status) ? 0 : status - Math.floor(status / 100) * 100 + 1)
    );
  };
  return finals.toSorted((a, b) => rank(a) - rank(b))[0];
}

/** Every challenge that was met goes back with the first (RFC 3261 section 16.7, step 7). */
function withChallenges(best: SipResponse, finals: readonly SipResponse[]): SipResponse {
  if (best.status !== 401 && best.status !== 407) return best;
  const headers = best.headers.copy();
  for (const other of finals) {
    if (other === best) continue;
    for (const key of ['www-authenticate', 'proxy-authenticate']) headers.addAll(key, other.headers.all(key));
  }
  return { ...best, headers };
}
