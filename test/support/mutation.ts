/** Small, fast and the same every time (mulberry32). @returns a number in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(list: readonly T[], random: () => number): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

/** The text, or what one accident makes of it. */
export function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const length = Math.floor(random() * 12);
  const kind = Math.floor(random() * 6);
  if (kind === 0) return text; // as it is: the state machine is to be reached too
  if (kind === 1) return text.slice(0, at) + String.fromCharCode(random() * 256) + text.slice(at + 1);
  if (kind === 2) return text.slice(0, at) + text.slice(at + length);
  if (kind === 3) return text.slice(0, at) + text.slice(at, at + length).repeat(3) + text.slice(at + length);
  if (kind === 4) return text.slice(0, at);
  const lines = text.split('\r\n');
  lines.splice(Math.floor(random() * lines.length), 1, pick(lines, random));
  return lines.join('\r\n');
}
