import { newSeq } from '../identifiers.ts';
import { type Address, addressText, parseAddressList, tagOf } from '../sip/address.ts';
import type { Headers } from '../sip/headers.ts';
import { parseSipUri } from '../sip/uri.ts';
import type { Flow } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';

/** What identifies a dialog (RFC 3261 section 12). */
export interface DialogPeers {
  readonly callId: string;
  readonly local: Address;
  readonly remote: Address;
}

export interface DialogSetup extends DialogPeers {
  /** `<Call-ID>;from-tag=<From tag of the INVITE>`: what the application calls the dialog, on both sides of it. */
  readonly id: string;
  readonly kind?: 'invite' | 'subscription';
  readonly localSeq: number | undefined;
  readonly remoteSeq: number | undefined;
  readonly remoteTarget: string;
  /** Loose or strict routes, nearest first. */
  readonly routeSet: readonly string[];
  readonly flow: Flow;
  readonly application: Application;
  /** Our Contact, as we sent it. */
  readonly contact: string;
  /** URI of where the far end really is, when its Contact is behind a NAT. */
  readonly natHop?: string | undefined;
  readonly event?: string | undefined;
}

/** One SIP dialog. {@link DialogTable} creates, finds and forgets them. */
export class SipDialog {
  readonly id: string;
  readonly callId: string;
  readonly local: Address;
  readonly remote: Address;
  readonly routeSet: readonly string[];
  /** What made it. */
  readonly kind: 'invite' | 'subscription';
  readonly application: Application;
  /** How the far end reached us last. */
  flow: Flow;
  /** Our Contact, as we sent it last. */
  contact: string;
  remoteTarget: string;
  /** Highest CSeq of a request from the far end. */
  remoteSeq: number | undefined;
  /** An INVITE of the far end that is not answered finally; a second one meanwhile is refused. */
  inviteIn = false;
  /** An INVITE of ours without final response. */
  inviteOut = false;
  /** An UPDATE of the far end that is not answered. */
  updateIn = false;
  /** A session description of the far end, or of ours, that is not answered (RFC 3311 section 5). */
  offerIn = false;
  offerOut = false;
  /** The session description the far end has of us: repeated by a refresh. */
  localSdp: string | undefined;
  /** Of a subscription: its Event. */
  readonly event: string | undefined;
  natHop: string | undefined;
  #localSeq: number | undefined;

  constructor(setup: DialogSetup) {
    this.id = setup.id;
    this.kind = setup.kind ?? 'invite';
    this.callId = setup.callId;
    this.local = setup.local;
    this.remote = setup.remote;
    this.routeSet = setup.routeSet;
    this.application = setup.application;
    this.contact = setup.contact;
    this.flow = setup.flow;
    this.natHop = setup.natHop;
    this.event = setup.event;
    this.remoteTarget = setup.remoteTarget;
    this.remoteSeq = setup.remoteSeq;
    this.#localSeq = setup.localSeq;
  }

  get key(): string {
    return dialogKey(this.callId, tagOf(this.local), tagOf(this.remote));
  }

  /** URI of the next hop of our requests. */
  get nextHop(): string {
    return this.natHop ?? routeRequest(this.remoteTarget, this.routeSet).nextHop;
  }

  /** Of our newest request. */
  get localSeq(): number | undefined {
    return this.#localSeq;
  }

  /** The CSeq of our next request; the application may ask for a higher one. */
  nextSeq(asked?: number): number {
    const next = this.#localSeq === undefined ? newSeq() : this.#localSeq + 1;
    this.#localSeq = asked !== undefined && asked > next ? asked : next;
    return this.#localSeq;
  }

  /** False when the request is older than one seen before (RFC 3261 section 12.2.2). */
  acceptsSeq(seq: number): boolean {
    if (this.remoteSeq !== undefined && seq < this.remoteSeq) return false;
    this.remoteSeq = seq;
    return true;
  }

  /** The far end has come back by another connection: our requests go by that one from now on. @param natHop - for it. */
  moveTo(flow: Flow, natHop: string | undefined): void {
    this.flow = flow;
    this.natHop = natHop;
  }

  /** Takes the new remote target from a target refresh request or its 2xx. */
  refreshTarget(headers: Headers): void {
    this.remoteTarget = contactUri(headers) ?? this.remoteTarget;
  }
}

export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}|${localTag}|${remoteTag}`;
}

export function dialogId(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`;
}

/** The URI of the first Contact. */
export function contactUri(headers: Headers): string | undefined {
  const value = headers.first('contact');
  return value === undefined ? undefined : parseAddressList(value)?.[0]?.uri;
}

/** Record-Route values in the order they stand, each an address; undefined when one is malformed. */
export function recordRoutes(headers: Headers): string[] | undefined {
  const routes: string[] = [];
  for (const value of headers.all('record-route')) {
    const addresses = parseAddressList(value);
    if (!addresses) return undefined;
    routes.push(...addresses.map(addressText));
  }
  return routes;
}

/** Where an in-dialog request goes, and what it says (RFC 3261 section 12.2.1.1). */
export interface Routing {
  readonly requestUri: string;
  readonly routes: readonly string[];
  /** URI of the next hop. */
  readonly nextHop: string;
}

export function routeRequest(remoteTarget: string, routeSet: readonly string[]): Routing {
  const first = routeSet[0] === undefined ? undefined : parseAddressList(routeSet[0])?.[0]?.uri;
  if (first === undefined) return { requestUri: remoteTarget, routes: [], nextHop: remoteTarget };
  const loose = parseSipUri(first)?.params.has('lr') ?? false;
  if (loose) return { requestUri: remoteTarget, routes: routeSet, nextHop: first };
  return { requestUri: first, routes: [...routeSet.slice(1), `<${remoteTarget}>`], nextHop: first };
}
