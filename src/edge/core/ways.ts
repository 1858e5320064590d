import { isIP } from 'node:net';
import { newBranch } from '../identifiers.ts';
import type { Target } from '../resolve/target.ts';
import type { SipRequest } from '../sip/message.ts';
import { hostPortText } from '../sip/uri.ts';
import { type Flow, type HostPort, transportText } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';
import { type Composed, viaHeader } from './composing.ts';

/** One flow to try for a request. */
export interface Way {
  readonly flow: Flow;
  /** The same peer by datagram: only when a connection to it could not be had (RFC 3261 section 18.1.1). */
  readonly ifUnreachable?: boolean;
}

/** Why a way was given up: no connection, no answer in time, a 503. */
export type GivenUp = 'transport' | 'timeout' | 'unavailable';

/** Flows to the targets that were found; our own addresses are left out, so that nothing loops. */
export function flowsTo(network: Network, targets: readonly Target[]): Flow[] {
  return targets.flatMap(({ transport, host, port, domain }) => {
    if (network.isOwn(transport, host, port)) return [];
    return network.flowTo(transport, host, port, undefined, domain) ?? [];
  });
}

/**
 * The ways in the order to try them: a request longer than a datagram should be goes by TCP first, where we have TCP.
 * @param limit - bytes a datagram may have.
 */
export function waysBy(network: Network, flows: readonly Flow[], bytes: number, limit: number): Way[] {
  return flows.flatMap((flow): Way[] => {
    const { host, port } = flow.remote;
    if (flow.transport !== 'udp' || bytes <= limit || isIP(host) === 0) return [{ flow }];
    const hasTcp = network.listening.some(({ transport }) => transport === 'tcp');
    const stream = hasTcp ? network.flowTo('tcp', host, port) : undefined;
    return stream ? [{ flow: stream }, { flow, ifUnreachable: true }] : [{ flow }];
  });
}

/** The ways left after one was given up. */
export function waysLeft(ways: readonly Way[], why: GivenUp): readonly Way[] {
  return ways[0]?.ifUnreachable && why !== 'transport' ? ways.slice(1) : ways;
}

/** The same request for another way: a branch of its own (RFC 3263 section 4.3), and our address as it is known there. */
export function readdressed(request: SipRequest, was: Flow, is: Flow, network: Network): Composed {
  const branch = newBranch();
  const [before, now] = [network.advertised(was), network.advertised(is)];
  const headers = request.headers.copy().setFirst('Via', viaHeader(is, now, branch));
  const contact = headers.first('contact');
  if (contact !== undefined && !sameReturn(was, before, is, now)) {
    headers.setFirst('Contact', contact.replace(textOf(was, before), textOf(is, now)));
  }
  return { request: { ...request, headers }, branch };
}

/** Who answers a request that came by TCP instead of UDP finds us by UDP as well. */
function sameReturn(was: Flow, before: HostPort, is: Flow, now: HostPort): boolean {
  const isPlain = [was, is].every(({ transport }) => transport === 'udp' || transport === 'tcp');
  return isPlain && hostPortText(before) === hostPortText(now);
}

function textOf(flow: Flow, local: HostPort): string {
  return `${hostPortText(local)}${transportText(flow.transport)}`;
}

/** Whether a request composed for one flow can go by the other as it is. */
export function fits(composed: Flow, flow: Flow): boolean {
  return (
    composed.transport === flow.transport &&
    composed.local.port === flow.local.port &&
    composed.local.host === flow.local.host
  );
}
