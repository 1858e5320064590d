import type { Wire } from '../../src/gateway/dialect.ts';

/** A way to a gateway that answers every request with this; `asked` holds their paths. */
export class CannedWire implements Wire {
  readonly asked: string[] = [];
  readonly #answers: readonly (readonly [status: number, body: string])[];

  /** @param answers - one after the other; the last one for all that follow. */
  constructor(...answers: readonly (readonly [status: number, body: string])[]) {
    this.#answers = answers;
  }

  ask: Wire['ask'] = async ({ path }, read) => {
    const answer = this.#answers[Math.min(this.asked.push(path), this.#answers.length) - 1];
    if (!answer) throw new Error('no answer is canned');
    const [status, body] = answer;
    const contentType = body.startsWith('<') ? 'application/xml' : 'application/json';
    return read({ status, contentType, body: Buffer.from(body), cardMasked: false });
  };
}
