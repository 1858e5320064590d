import { kPromptIds } from '../../src/ports/prompt-ids.ts';
import type { Locale, PromptId } from '../../src/ports/prompts.ts';
import {
  fragmentOf,
  kBrandNames,
  type Take,
  type Word,
  wordsWithBothTakes,
  wordsWithMidTake,
} from '../../src/prompt/words.ts';
import { kNotes, kTexts } from './texts.ts';

export const kLocales: readonly Locale[] = ['en-US', 'en-GB'];

/** How a line ends: `list` stays up before a pause, `runsOn` stays up without one, `end` falls; `tone` is not speech. */
export type Delivery = 'end' | 'runsOn' | 'list' | 'tone';

/** One recording to be made. */
export interface ScriptLine {
  readonly id: string;
  readonly text: string;
  readonly delivery: Delivery;
  readonly notes: string;
  readonly file: string;
}

const kSmall = [
  ...'zero one two three four five six seven eight nine ten eleven twelve thirteen'.split(' '),
  ...'fourteen fifteen sixteen seventeen eighteen nineteen'.split(' '),
];
const kTens = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const kMonths = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];

/** Everything to be recorded for a locale, in the order a talent should read it. */
export function scriptOf(locale: Locale): ScriptLine[] {
  const both = wordsWithBothTakes();
  return [
    ...kPromptIds.map((id) => promptLine(id, locale)),
    ...both.map((word) => wordLine(word, 'mid', locale)),
    ...both.map((word) => wordLine(word, 'end', locale)),
    ...wordsWithMidTake().map((word) => wordLine(word, 'mid', locale)),
  ];
}

function promptLine(id: PromptId, locale: Locale): ScriptLine {
  const text = kTexts[locale][id];
  if (id === 'wait.tone') return line(id, text, 'tone', kNotes.tone);
  if (!/[.?]$/.test(text)) return line(id, text, 'runsOn', kNotes.runsOn);
  return line(id, text, 'end', /^[a-z]/.test(text) ? kNotes.goesOn : kNotes.sentence);
}

function wordLine(word: Word, take: Take, locale: Locale): ScriptLine {
  const isListed = /^[dl]\//.test(word);
  const mid = isListed ? 'list' : 'runsOn';
  return line(fragmentOf(word, take), wordText(word, locale), take === 'end' ? 'end' : mid, kNotes[take]);
}

function line(id: string, text: string, delivery: Delivery, notes: string): ScriptLine {
  return { id, text, delivery, notes, file: `${id.replace('/', '-')}.wav` };
}

function wordText(word: Word, locale: Locale): string {
  const [group = '', name = ''] = word.split('/');
  switch (group) {
    case 'n':
    case 'd':
      return numberText(Number(name));
    case 'l':
      return letterText(name, locale);
    case 'month':
      return kMonths[Number(name) - 1] ?? name;
    case 'brand':
      return (kBrandNames as Readonly<Record<string, string>>)[name] ?? name;
    case 'cur':
      return name === 'ore' ? 'öre' : name;
    case 'ending':
      return 'ending in';
    default:
      return group;
  }
}

/** @param n - 0..99 */
function numberText(n: number): string {
  const small = kSmall[n];
  if (small !== undefined) return small;
  const tens = kTens[Math.floor(n / 10) - 2] ?? '';
  return n % 10 === 0 ? tens : `${tens}-${kSmall[n % 10]}`;
}

function letterText(letter: string, locale: Locale): string {
  return letter === 'z' && locale === 'en-GB' ? 'zed' : letter.toUpperCase();
}
