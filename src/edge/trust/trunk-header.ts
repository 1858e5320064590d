import { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';
import type { Caller } from './gate.ts';

/** Tells the application which trunk a request is of. Never believed of the network: what comes with it is taken away. */
export const kTrunkHeader = 'X-Hushpay-Trunk';
const kKey = kTrunkHeader.toLowerCase();

/** The request as the application gets it. */
export function withTrunk(request: SipRequest, { trunk }: Caller): SipRequest {
  if (trunk === undefined && !request.headers.has(kKey)) return request;
  const headers = new Headers([...request.headers].filter(({ key }) => key !== kKey));
  if (trunk) headers.add(kTrunkHeader, trunk.name);
  return { ...request, headers };
}
