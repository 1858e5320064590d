import { parseAddress } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';
import { parseSipUri } from '../sip/uri.ts';
import type { Flow } from '../transport/flow.ts';
import type { RequestFacts } from '../wire/request-handlers.ts';
import type { ReplyParts } from './reply.ts';

/** What a handler of new requests is told. */
export function factsOf(request: SipRequest, flow: Flow): RequestFacts {
  const userOf = (uri: string | undefined): string => (uri ? (parseSipUri(uri)?.user ?? '') : '');
  const addressOf = (key: string): string | undefined => parseAddress(request.headers.first(key) ?? '')?.uri;
  return {
    method: request.method,
    domain: parseSipUri(request.uri)?.host ?? '',
    protocol: flow.transport,
    source_address: flow.remote.host,
    fromUser: userOf(addressOf('from')),
    toUser: userOf(addressOf('to')),
    uriUser: userOf(request.uri),
    contentType: request.headers.first('content-type') ?? '',
    uri: request.uri,
  };
}

/** A redirect; contacts that are no SIP URIs are left out. */
export function redirection(contacts: readonly string[]): ReplyParts {
  const headers = new Headers();
  for (const contact of contacts) {
    const uri = contact.startsWith('sip') ? contact : `sip:${contact}`;
    if (parseSipUri(uri)) headers.add('Contact', `<${uri}>`);
  }
  return headers.has('contact') ? { status: 302, headers } : { status: 500 };
}
