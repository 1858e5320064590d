/** A SIP message of a peer's own trace. */
export interface SipMessage {
  readonly direction: 'sent' | 'received';
  /** Method of a request, status of a response. */
  readonly what: string;
  readonly text: string;
}

/** Reads what SIPp writes with `-trace_msg`. */
export function sipMessages(trace: string): SipMessage[] {
  return trace.split(/^-{20,}.*\n/m).flatMap((entry) => {
    const [, verb, text] = /^(?:UDP|TCP) message (sent|received) .*\n\n?([\s\S]*)$/.exec(entry) ?? [];
    const what = /^(?:SIP\/2\.0 (\d{3})|([A-Z]+) )/.exec(text ?? '');
    if (!text || !what) return [];
    const direction = verb === 'sent' ? 'sent' : 'received';
    return [{ direction, what: what[1] ?? what[2] ?? '', text }] as const;
  });
}

/** Value of a header field; undefined if the message has none. */
export function headerOf(message: SipMessage | undefined, name: string): string | undefined {
  const line = message?.text
    .split(/\r?\n/)
    .find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return line?.slice(name.length + 1).trim();
}
