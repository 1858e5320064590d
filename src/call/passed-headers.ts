import type { HeaderReader, SipHeaders } from '../ports/signaling.ts';

/** The headers of a message that go on to the other leg: those of the list and no other. Line breaks never do. */
export function passedHeaders(header: HeaderReader, allowed: readonly string[]): SipHeaders {
  const passed: Record<string, string> = {};
  for (const name of allowed) {
    const value = header(name);
    if (value !== undefined && !/[\r\n]/.test(value)) passed[name] = value;
  }
  return passed;
}
