import { maskCardLike } from '../../card/card-like.ts';

const kWhoWidth = 9;

/** The demonstration's output: one line an event, with the time since the beginning. Nothing like a card number gets past it. */
export class Screen {
  readonly #write: (text: string) => void;
  readonly #startedMs = performance.now();
  #dots = 0;
  #isOpen = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  get elapsedS(): string {
    return ((performance.now() - this.#startedMs) / 1000).toFixed(1);
  }

  line(who: string, text: string): void {
    this.#endDots();
    this.#write(`${this.#prefix(who)}${maskCardLike(text)}\n`);
  }

  /** Without time. */
  block(title: string, text: string): void {
    this.#endDots();
    this.#write(`\n${title}\n\n${maskCardLike(text)}\n`);
  }

  /** One more key; which one is not told, only whether it was a digit. */
  key(isDigit: boolean): void {
    if (!this.#isOpen) this.#write(this.#prefix('keys'));
    this.#isOpen = true;
    if (!isDigit) this.#write(' #');
    else this.#write(`${this.#dots > 0 && this.#dots % 4 === 0 ? ' ' : ''}●`);
    this.#dots++;
  }

  #endDots(): void {
    if (this.#isOpen) this.#write('\n');
    this.#isOpen = false;
    this.#dots = 0;
  }

  #prefix(who: string): string {
    return `${this.elapsedS.padStart(6)} s  ${who.padEnd(kWhoWidth)}`;
  }
}
