/** Every way a run of digits may lie in memory or in a file, by name. */
export type Spellings = ReadonlyMap<string, Buffer>;

/**
 * @param digits - at least eight, so that no spelling is found by chance; an even number of them.
 */
export function spellingsOf(digits: string): Spellings {
  const reversed = [...digits].reverse().join('');
  const numbers = Array.from(digits, Number);
  return new Map([
    ['ASCII', latin1(digits)],
    ['ASCII, reversed', latin1(reversed)],
    ['ASCII, a blank between', latin1([...digits].join(' '))],
    ['ASCII, a comma between', latin1([...digits].join(','))],
    ['ASCII, a hyphen between', latin1([...digits].join('-'))],
    ...groupsOf(digits),
    ['UTF-16', Buffer.from(digits, 'utf16le').subarray(0, -1)], // in either order of bytes
    ['UTF-32', words(numbers.map((digit) => digit + kAsciiZero))],
    ['a number a byte', Buffer.from(numbers)],
    ['a number a byte, reversed', Buffer.from(numbers.toReversed())],
    ['a number in 32 bits', words(numbers)],
    ['a number in 64 bits, as arrays of JavaScript have it', words(numbers.flatMap((digit) => [0, digit]))],
    ['a number as a double', Buffer.from(Float64Array.from(numbers).buffer)],
    ['two digits a byte', Buffer.from(digits, 'hex')],
    ['two digits a byte, shifted', Buffer.from(digits.slice(1, -1), 'hex')],
    ['two digits a byte, the second first', swapped(digits)],
    ['two digits a byte, the second first, shifted', swapped(digits.slice(1, -1))],
    ['hex of ASCII', latin1(latin1(digits).toString('hex'))],
    ...base64Of(digits),
  ]);
}

const kAsciiZero = 0x30;
const kGroup = 4;

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function words(numbers: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(numbers).buffer);
}

function swapped(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(/(.)(.)/g, '$2$1'), 'hex');
}

/** As cards are printed, in fours; what stands depends on where the digits begin. */
function groupsOf(digits: string): (readonly [string, Buffer])[] {
  return [0, 1, 2, 3].map((first) => {
    const groups = digits.slice(first).match(new RegExp(`.{1,${kGroup}}`, 'g')) ?? [];
    const all = first === 0 ? groups : [digits.slice(0, first), ...groups];
    return [`ASCII in fours, the first after ${first}`, latin1(all.join(' '))];
  });
}

const kPlain = ['ASCII', 'UTF-16', 'a number a byte', 'two digits a byte'];

/** Those that a program leaves which handles digits and hides nothing. */
export function plainSpellingsOf(digits: string): Spellings {
  return new Map([...spellingsOf(digits)].filter(([name]) => kPlain.includes(name)));
}

/** Three bytes are four letters: what stands depends on where the digits begin. */
function base64Of(digits: string): (readonly [string, Buffer])[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${'0'.repeat(offset)}${digits}`, 'latin1').toString('base64');
    const ownFrom = offset === 0 ? 0 : 4;
    const ownTo = Math.floor((offset + digits.length) / 3) * 4;
    return [`base64, ${offset} behind a boundary`, Buffer.from(text.slice(ownFrom, ownTo), 'latin1')];
  });
}

/** How often each spelling stands in the bytes; those that do not are left out. */
export function findIn(bytes: Buffer, spellings: Spellings): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [name, pattern] of spellings) {
    let hits = 0;
    for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1)) hits++;
    if (hits > 0) found.set(name, hits);
  }
  return found;
}
