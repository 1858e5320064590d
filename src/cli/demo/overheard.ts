import type { PromptId } from '../../ports/prompt-ids.ts';
import type { Phrase } from '../../ports/prompts.ts';

/** What is said during one call, for the screen and for a caller who has to know which question was asked. */
export class Overheard {
  readonly #phrases: Phrase[] = [];
  readonly #waiting = new Map<PromptId, () => void>();
  #sessionId: string | undefined;
  #isFinished = false;
  #wake: () => void = () => {};

  /** Known from the moment the call is answered. */
  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  add(phrase: Phrase): void {
    this.#phrases.push(phrase);
    for (const part of phrase) if (part.say === 'prompt') this.#waiting.get(part.id)?.();
    this.#wake();
  }

  /** Takes the session's id from the server's log. */
  readLog(line: string): void {
    this.#sessionId ??= /"sessionId":"([\w-]+)"/.exec(line)?.[1];
  }

  /** Resolves when the prompt is begun the next time, or was begun already. */
  said(id: PromptId): Promise<void> {
    const isSaid = this.#phrases.some((phrase) =>
      phrase.some((part) => part.say === 'prompt' && part.id === id),
    );
    if (isSaid) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** No more phrases will come. */
  finish(): void {
    this.#isFinished = true;
    this.#wake();
  }

  /** Every phrase, as it comes, until {@link finish}. For one reader. */
  async *phrases(): AsyncGenerator<Phrase> {
    for (let next = 0; ; next++) {
      while (next >= this.#phrases.length) {
        if (this.#isFinished) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const phrase = this.#phrases[next];
      if (phrase) yield phrase;
    }
  }
}
