// SIP text is handled as "byte strings": one UTF-16 unit per byte (latin1), so that what came in goes out bit for bit and
// a string's length is its length on the wire.

const kTokenBytes = table("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~");
const kWordBytes = table(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`\'~()<>:\\"/[]?{}@',
);

function table(characters: string): Uint8Array {
  const members = new Uint8Array(256);
  for (const character of characters) members[character.charCodeAt(0)] = 1;
  return members;
}

export function isTokenByte(code: number): boolean {
  return kTokenBytes[code] === 1;
}

/** A `token` of RFC 3261 section 25.1, at least one byte long. */
export function isToken(text: string): boolean {
  return consistsOf(kTokenBytes, text);
}

/** A Call-ID: `word ["@" word]`. It never holds `|`, which separates tokens towards the application. */
export function isCallId(text: string): boolean {
  return consistsOf(kWordBytes, text);
}

function consistsOf(members: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (members[text.charCodeAt(i)] !== 1) return false;
  return text !== '';
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Without the blanks at both ends; other white space stays, unlike with trim(). */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** Blanks, control bytes or DEL: what a URI or a start line never holds. */
export function hasBlankOrControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return true;
  }
  return false;
}

/** A decimal number without sign, or undefined when the text is something else or above `max`. */
export function parseDecimal(text: string, max: number): number | undefined {
  if (text === '' || text.length > 20) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= max ? value : undefined;
}

/** Reads a header value from left to right. Every step moves on or fails, so reading is linear. */
export class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    return this.text.charAt(this.at);
  }

  skipSpace(): this {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++;
    return this;
  }

  /** Steps over `character`, with blanks around it, when it is next. */
  take(character: string): boolean {
    const start = this.at;
    this.skipSpace();
    if (this.text.charAt(this.at) !== character) {
      this.at = start;
      return false;
    }
    this.at++;
    this.skipSpace();
    return true;
  }

  token(): string | undefined {
    const start = this.at;
    while (isTokenByte(this.text.charCodeAt(this.at))) this.at++;
    return this.at > start ? this.text.slice(start, this.at) : undefined;
  }

  /** Everything up to one of `stops` (which stays unread) or the end. */
  until(stops: string): string {
    const start = this.at;
    while (!this.done && !stops.includes(this.text.charAt(this.at))) this.at++;
    return this.text.slice(start, this.at);
  }

  /** A quoted string with its quotes and escapes, or undefined when it does not end. */
  quoted(): string | undefined {
    const start = this.at;
    if (this.peek() !== '"') return undefined;
    for (let i = start + 1; i < this.text.length; i++) {
      const code = this.text.charCodeAt(i);
      if (code === 0x5c) i++;
      else if (code === 0x22) {
        this.at = i + 1;
        return this.text.slice(start, this.at);
      }
    }
    return undefined;
  }
}
