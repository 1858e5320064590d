// Finds the card number in the bytes of a reply however JSON, XML or a form may spell it, before any string is made of them. A reply is up to
// 1 MiB and may be hostile: nothing here allocates by the byte.

const kLeastCardDigits = 12;
const kMostSeparators = 2;
// A masked number in JSON must stay a number; a run of nines never passes the Luhn check at any card's length.
const kMask = 0x39;
const kZero = 0x30;
const kSeparators = Buffer.from(' -+._/');
const kEncodedSeparators = ['%20', '%2d', '%2D'].map((form) => Buffer.from(form));
/** What stands before the last part of an encoded digit: `\u0034` in JSON, `%34` in a form. In XML it is `&#52;` or `&#x34;`. */
const kJsonDigit = Buffer.from('\\u003');
const kFormDigit = Buffer.from('%3');
const kReference = Buffer.from('&#');
/** Of a reference, with zeros in front. */
const kMostReferenceBytes = 12;

/** A digit as it is written at some place: 256 times its bytes, plus its ASCII code. */
type Written = number;
const kNone: Written = 0;

/** Overwrites the card number wherever the reply spells it, also encoded, or with one or two signs between its digits. */
export function maskCard(reply: Uint8Array, pan: Uint8Array): void {
  if (pan.length < kLeastCardDigits) return;
  const places = new Int32Array(pan.length);
  for (let start = 0; start < reply.length; start++) {
    if (isSpelled(reply, start, pan, places)) for (const at of places) maskAt(reply, at);
  }
}

/** @param places - where its digits are, if it begins there. */
function isSpelled(reply: Uint8Array, start: number, pan: Uint8Array, places: Int32Array): boolean {
  let at = start;
  for (let matched = 0; matched < pan.length; matched++) {
    if (matched > 0 && !isDigit(reply[at])) at = behindSeparators(reply, at);
    const written = writtenAt(reply, at);
    if ((written & 0xff) !== pan[matched]) return false;
    places[matched] = at;
    at += written >> 8;
  }
  return true;
}

function behindSeparators(reply: Uint8Array, from: number): number {
  let at = from;
  for (let count = 0; count < kMostSeparators; count++) {
    if (kSeparators.includes(reply[at] ?? 0)) at++;
    else at += kEncodedSeparators.find((form) => isAt(reply, at, form))?.length ?? 0;
  }
  return at;
}

function maskAt(reply: Uint8Array, at: number): void {
  const last = at + (writtenAt(reply, at) >> 8) - 1;
  if (reply[at] !== kReference[0]) {
    reply[last] = kMask;
    return;
  }
  const isHex = isHexReference(reply, at);
  reply[last - 2] = isHex ? 0x33 : 0x35; // &#x39; and &#57; are a nine
  reply[last - 1] = isHex ? 0x39 : 0x37;
}

function writtenAt(reply: Uint8Array, at: number): Written {
  const byte = reply[at];
  if (isDigit(byte)) return (1 << 8) | byte;
  if (byte === kReference[0]) return referenceAt(reply, at);
  if (byte === kJsonDigit[0]) return encodedAt(reply, at, kJsonDigit);
  return byte === kFormDigit[0] ? encodedAt(reply, at, kFormDigit) : kNone;
}

function encodedAt(reply: Uint8Array, at: number, form: Uint8Array): Written {
  const digit = reply[at + form.length];
  return isDigit(digit) && isAt(reply, at, form) ? ((form.length + 1) << 8) | digit : kNone;
}

/** A numeric character reference of XML and HTML that stands for a digit. */
function referenceAt(reply: Uint8Array, at: number): Written {
  if (!isAt(reply, at, kReference)) return kNone;
  const radix = isHexReference(reply, at) ? 16 : 10;
  let code = 0;
  for (let next = at + (radix === 16 ? 3 : 2); next < at + kMostReferenceBytes; next++) {
    const byte = reply[next];
    if (byte === 0x3b) return isDigit(code) ? ((next + 1 - at) << 8) | code : kNone;
    if (!isDigit(byte)) return kNone; // the codes of digits have no letters, in either radix
    code = code * radix + byte - kZero;
  }
  return kNone;
}

function isHexReference(reply: Uint8Array, at: number): boolean {
  return reply[at + kReference.length] === 0x78 || reply[at + kReference.length] === 0x58;
}

function isAt(reply: Uint8Array, at: number, form: Uint8Array): boolean {
  for (let index = 0; index < form.length; index++) if (reply[at + index] !== form[index]) return false;
  return true;
}

function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= kZero && byte <= kMask;
}
