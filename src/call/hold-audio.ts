import type { PhraseItem } from '../ports/media.ts';

/**
 * The items over and over, without a gap between the last and the first: hold audio, until the play() it is given to is aborted.
 * @param items - at least one that takes time.
 */
export function* looped(items: readonly PhraseItem[]): Generator<PhraseItem, never> {
  if (!items.some((item) => 'clip' in item || item.silenceMs > 0)) throw new RangeError('nothing to loop');
  for (;;) yield* items;
}
