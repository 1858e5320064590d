import { routeRequest, type SipDialog } from '../dialog/dialog.ts';
import { newBranch, newId, newSeq, newTag } from '../identifiers.ts';
import { type Address, addressText, parseAddress, parseAddressList, tagOf, withTag } from '../sip/address.ts';
import { parseCSeq } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';
import { hostPortText, uriHost } from '../sip/uri.ts';
import { type Flow, type HostPort, transportText } from '../transport/flow.ts';
import { kAllow, kContactMethods } from './methods.ts';

const kMaxForwards = '70';
/** Headers of an application's request that the edge writes itself. */
const kOwn = new Set([
  'via',
  'max-forwards',
  'from',
  'to',
  'call-id',
  'cseq',
  'contact',
  'content-length',
  'rseq',
]);
/** Credentials an ACK repeats (RFC 3261 section 13.2.2.4). */
const kCredentials = ['authorization', 'proxy-authorization'];

/** A request ready to be sent, and what it is known by. */
export interface Composed {
  readonly request: SipRequest;
  readonly branch: string;
}

export function viaHeader(flow: Flow, local: HostPort, branch: string): string {
  const rport = flow.transport === 'udp' ? ';rport' : ''; // RFC 3581 section 3
  return `SIP/2.0/${flow.transport.toUpperCase()} ${hostPortText(local)}${rport};branch=${branch}`;
}

function contactHeader(flow: Flow, local: HostPort): string {
  return `<sip:${hostPortText(local)}${transportText(flow.transport)}>`;
}

/** A request outside any dialog (RFC 3261 section 8.1.1). From, To, Call-ID and CSeq of the application are honoured. */
export function composeNew(asked: SipRequest, flow: Flow, local: HostPort): Composed | undefined {
  const branch = newBranch();
  const { headers, method, uri } = asked;
  const contact = bracketed(localised(headers.first('contact'), local)) ?? contactHeader(flow, local);
  const from = parseAddress(localised(headers.first('from'), local) ?? contactHeader(flow, local));
  const to = parseAddress(localised(headers.first('to'), local) ?? `<${uri}>`);
  if (!from || !to) return undefined;
  const seq = parseCSeq(headers.first('cseq') ?? '')?.seq ?? newSeq();
  const composed = new Headers()
    .add('Via', viaHeader(flow, local, branch))
    .add('Max-Forwards', headers.first('max-forwards') ?? kMaxForwards)
    .add('From', addressText(tagOf(from) === '' ? withTag(from, newTag()) : from))
    .add('To', addressText(to))
    .add('Call-ID', headers.first('call-id') ?? newId())
    .add('CSeq', `${seq} ${method}`);
  if (kContactMethods.has(method) || headers.has('contact')) composed.add('Contact', contact);
  addRest(composed, asked, local);
  if (method === 'INVITE' && !headers.has('allow')) composed.add('Allow', kAllow); // RFC 3261 section 13.2.1
  return { request: { ...asked, headers: composed }, branch };
}

/** A request of ours in a dialog (RFC 3261 section 12.2.1.1). @param seq - its CSeq number. */
export function composeInDialog(
  dialog: SipDialog,
  asked: SipRequest,
  seq: number,
  flow: Flow,
  local: HostPort,
): Composed {
  const branch = newBranch();
  const { method } = asked;
  const { requestUri, routes } = routeRequest(dialog.remoteTarget, dialog.routeSet);
  const composed = new Headers()
    .add('Via', viaHeader(flow, local, branch))
    .add('Max-Forwards', kMaxForwards)
    .addAll('Route', routes)
    .add('From', addressText(dialog.local))
    .add('To', addressText(dialog.remote))
    .add('Call-ID', dialog.callId)
    .add('CSeq', `${seq} ${method}`);
  const contact = bracketed(localised(asked.headers.first('contact'), local));
  if (kContactMethods.has(method)) composed.add('Contact', contact ?? dialog.contact);
  addRest(composed, asked, local, 'route');
  return { request: { ...asked, uri: requestUri, headers: composed }, branch };
}

/** The same request with another CSeq and branch, and other values of some headers. */
export function recompose(
  request: SipRequest,
  seq: number,
  changed: Readonly<Record<string, string>>,
  flow: Flow,
  local: HostPort,
): Composed {
  const branch = newBranch();
  const headers = request.headers
    .copy()
    .setFirst('Via', viaHeader(flow, local, branch))
    .setFirst('CSeq', `${seq} ${request.method}`);
  for (const [name, value] of Object.entries(changed)) headers.setFirst(name, value);
  return { request: { ...request, headers }, branch };
}

/** CANCEL of an INVITE: the same in everything that identifies it (RFC 3261 section 9.1). */
export function composeCancel(invite: SipRequest, asked: Headers | undefined): SipRequest {
  const { headers: from } = invite;
  const headers = new Headers()
    .add('Via', from.first('via') ?? '')
    .add('Max-Forwards', kMaxForwards)
    .addAll('Route', from.all('route'));
  for (const key of ['from', 'to', 'call-id']) headers.add(key, from.first(key) ?? '');
  headers.add('CSeq', `${parseCSeq(from.first('cseq') ?? '')?.seq ?? 0} CANCEL`);
  for (const { key, name, value } of asked ?? [])
    if (!kOwn.has(key) && key !== 'route') headers.add(name, value);
  return { kind: 'request', method: 'CANCEL', uri: invite.uri, headers, body: '' };
}

/** ACK of a final response other than 2xx (RFC 3261 section 17.1.1.3). */
export function composeFailureAck(invite: SipRequest, to: string): SipRequest {
  const { headers: from } = invite;
  const headers = new Headers()
    .add('Via', from.first('via') ?? '')
    .add('Max-Forwards', kMaxForwards)
    .addAll('Route', from.all('route'))
    .add('From', from.first('from') ?? '')
    .add('To', to)
    .add('Call-ID', from.first('call-id') ?? '')
    .add('CSeq', `${parseCSeq(from.first('cseq') ?? '')?.seq ?? 0} ACK`);
  return { kind: 'request', method: 'ACK', uri: invite.uri, headers, body: '' };
}

/** The credentials of the INVITE, for the ACK of its 2xx. */
export function credentialsOf(invite: SipRequest): Headers {
  const headers = new Headers();
  for (const key of kCredentials) headers.addAll(key, invite.headers.all(key));
  return headers;
}

function addRest(composed: Headers, asked: SipRequest, local: HostPort, skip?: string): void {
  for (const { key, name, value } of asked.headers) {
    if (kOwn.has(key) || key === skip || key === 'content-type') continue;
    composed.add(name, key === 'p-asserted-identity' ? (localised(value, local) ?? value) : value);
  }
  const type = asked.headers.first('content-type');
  if (type !== undefined) composed.add('Content-Type', type);
  else if (asked.body.startsWith('v=0')) composed.add('Content-Type', 'application/sdp');
}

/** The application does not know our address and writes `localhost`. */
function localised(value: string | undefined, local: HostPort): string | undefined {
  return value?.replace(/@localhost(?![\w.:-])/, `@${uriHost(local.host)}:${local.port}`);
}

/** A Contact in brackets, whatever the application wrote. */
function bracketed(value: string | undefined): string | undefined {
  if (value === undefined || value.includes('<')) return value;
  return parseAddressList(value)?.map(addressText).join(', ') ?? value;
}

/** The From of a request, whose tag names the dialog. */
export function fromTag(request: SipRequest): string {
  const from: Address | undefined = parseAddress(request.headers.first('from') ?? '');
  return from ? tagOf(from) : '';
}
