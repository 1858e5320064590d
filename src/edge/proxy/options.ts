/** How a request is to be proxied: what the application, or the handler of new requests, asks for. */
export interface ProxyOptions {
  /** Stay in the way of later requests of the dialog, by Record-Route. */
  readonly remainInDialog: boolean;
  /** Tell of every final answer; otherwise only that the request has gone out. */
  readonly fullResponse: boolean;
  readonly followRedirects: boolean;
  /** All destinations at once instead of one after the other. */
  readonly simultaneous: boolean;
  /** A destination that has not answered at all by then is given up. */
  readonly provisionalMs: number | undefined;
  /** One without final answer by then is cancelled. */
  readonly finalMs: number | undefined;
  readonly destinations: readonly string[];
}

const kMaxDestinations = 20;

/** `proxy|txn|remainInDialog|fullResponse|followRedirects|simultaneous or serial|provisional|final|destination…` */
export function readProxyOptions(tokens: readonly string[]): ProxyOptions {
  const [remain, full, follow, forking, provisional = '', final = '', ...destinations] = tokens;
  return {
    remainInDialog: remain === 'remainInDialog',
    fullResponse: full === 'fullResponse',
    followRedirects: follow === 'followRedirects',
    simultaneous: forking === 'simultaneous',
    provisionalMs: readDurationMs(provisional),
    finalMs: readDurationMs(final),
    destinations: destinations.filter((uri) => uri !== '').slice(0, kMaxDestinations),
  };
}

/** `5s` or `500ms`. */
export function readDurationMs(text: string): number | undefined {
  const match = /^(\d{1,7})(ms|s)$/.exec(text);
  return match ? Number(match[1]) * (match[2] === 's' ? 1_000 : 1) : undefined;
}
