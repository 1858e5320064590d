import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { bareHost } from '../process/name-lookup.ts';
import { lookupWithin, mayReach, OutOfReach, reachOf } from './destination.ts';

export interface Post {
  readonly url: string;
  /** The host may be in a private network. */
  readonly privateNetwork: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly answerWithinMs: number;
  /** How names come to addresses. */
  readonly resolve: LookupFunction;
}

const kOutOfReach = 'its address is of a private network; webhooks[].privateNetwork allows that';

/** Sends a message once; follows no redirect and reads no more than the head of the answer. @returns its status, or what went wrong. */
export async function post({
  url: text,
  privateNetwork,
  headers,
  body,
  answerWithinMs,
  resolve,
}: Post): Promise<string> {
  const url = new URL(text);
  const [host, reach] = [bareHost(url), reachOf(url, privateNetwork)];
  if (isIP(host) !== 0 && !mayReach(reach, host)) return kOutOfReach;
  const signal = AbortSignal.timeout(answerWithinMs);
  const client = url.protocol === 'https:' ? https : http;
  const answered = Promise.withResolvers<string>();
  const request = client.request(url, {
    method: 'POST',
    agent: false, // a connection that is kept would not ask again where the name is
    lookup: lookupWithin(reach, resolve),
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    signal,
  });
  request.on('response', (response) => {
    answered.resolve(String(response.statusCode));
    response.destroy();
  });
  request.on('error', (error) => answered.resolve(signal.aborted ? 'no answer in time' : troubleOf(error)));
  request.end(body);
  return answered.promise;
}

function troubleOf(error: Error): string {
  if (error instanceof OutOfReach) return kOutOfReach;
  return 'code' in error ? String(error.code) : error.message;
}
