const kNames = [
  'Accept', 'Accept-Encoding', 'Accept-Language', 'Alert-Info', 'Allow', 'Allow-Events', 'Authentication-Info',
  'Authorization', 'Call-ID', 'Call-Info', 'Contact', 'Content-Disposition', 'Content-Encoding', 'Content-Language',
  'Content-Length', 'Content-Type', 'CSeq', 'Date', 'Diversion', 'Error-Info', 'Event', 'Expires', 'From', 'Geolocation',
  'History-Info', 'Identity', 'In-Reply-To', 'Info-Package', 'Max-Forwards', 'MIME-Version', 'Min-Expires', 'Min-SE',
  'Organization', 'P-Asserted-Identity', 'P-Preferred-Identity', 'Path', 'Priority', 'Privacy', 'Proxy-Authenticate',
  'Proxy-Authorization', 'Proxy-Require', 'RAck', 'Reason', 'Record-Route', 'Recv-Info', 'Refer-Sub', 'Refer-To',
  'Referred-By', 'Remote-Party-ID', 'Replaces', 'Reply-To', 'Require', 'Retry-After', 'Route', 'RSeq', 'Server',
  'Service-Route', 'Session-Expires', 'SIP-ETag', 'SIP-If-Match', 'Subject', 'Subscription-State', 'Supported',
  'Target-Dialog', 'Timestamp', 'To', 'Unsupported', 'User-Agent', 'User-to-User', 'Via', 'Warning', 'WWW-Authenticate',
]; // biome-ignore format: a table

/** Compact forms: RFC 3261 section 7.3.3, RFC 3515, 3892, 3841, 4028, 6665, 8224. */
const kCompact: Readonly<Record<string, string>> = {
  a: 'Accept-Contact', b: 'Referred-By', c: 'Content-Type', d: 'Request-Disposition', e: 'Content-Encoding', f: 'From',
  i: 'Call-ID', j: 'Reject-Contact', k: 'Supported', l: 'Content-Length', m: 'Contact', n: 'Identity-Info', o: 'Event',
  r: 'Refer-To', s: 'Subject', t: 'To', u: 'Allow-Events', v: 'Via', x: 'Session-Expires', y: 'Identity',
}; // biome-ignore format: a table

interface NameForm {
  readonly key: string;
  readonly name: string;
}

const kForms: ReadonlyMap<string, NameForm> = new Map([
  ...kNames.flatMap((name): [string, NameForm][] => {
    const form = { key: name.toLowerCase(), name };
    return [
      [name, form],
      [form.key, form],
    ];
  }),
  ...Object.entries(kCompact).flatMap(([letter, name]): [string, NameForm][] => {
    const form = { key: name.toLowerCase(), name };
    return [
      [letter, form],
      [letter.toUpperCase(), form],
    ];
  }),
]);

/** The usual spelling of a header name and its lower-case key; unknown names keep their spelling. */
export function nameForm(name: string): NameForm {
  const known = kForms.get(name);
  if (known) return known;
  const key = name.toLowerCase();
  return kForms.get(key) ?? { key, name };
}

export interface Header {
  /** Lower case, never the compact form. */
  readonly key: string;
  readonly name: string;
  readonly value: string;
}

/** The headers of a message in their order. Look-ups take the lower-case long name. */
export class Headers {
  #list: Header[];

  constructor(list: Header[] = []) {
    this.#list = list;
  }

  [Symbol.iterator](): IterableIterator<Header> {
    return this.#list[Symbol.iterator]();
  }

  get count(): number {
    return this.#list.length;
  }

  add(name: string, value: string): this {
    const form = nameForm(name);
    this.#list.push({ key: form.key, name: form.name, value });
    return this;
  }

  addAll(name: string, values: readonly string[]): this {
    for (const value of values) this.add(name, value);
    return this;
  }

  first(key: string): string | undefined {
    for (const header of this.#list) if (header.key === key) return header.value;
    return undefined;
  }

  all(key: string): string[] {
    const values: string[] = [];
    for (const header of this.#list) if (header.key === key) values.push(header.value);
    return values;
  }

  has(key: string): boolean {
    return this.first(key) !== undefined;
  }

  countOf(key: string): number {
    let count = 0;
    for (const header of this.#list) if (header.key === key) count++;
    return count;
  }

  /** Replaces the first header of that name, or appends one. */
  setFirst(name: string, value: string): this {
    const form = nameForm(name);
    const index = this.#list.findIndex((header) => header.key === form.key);
    if (index < 0) return this.add(name, value);
    this.#list[index] = { key: form.key, name: form.name, value };
    return this;
  }

  copy(): Headers {
    return new Headers([...this.#list]);
  }
}
