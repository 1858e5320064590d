import type { CallLadder } from '../../ladder/call-ladder.ts';
import { CallLadders } from './call-ladders.ts';
import { type CaptureServer, HepExporter } from './hep-exporter.ts';
import type { Passing, Trace } from './trace.ts';

/** What watches the messages of a running edge: the ladders of its calls, and the way to a capture server. Closed once. */
export class EdgeTrace implements Trace {
  readonly #ladders = new CallLadders();
  readonly #exporter: HepExporter | undefined;

  constructor(capture: CaptureServer | null) {
    this.#exporter = capture ? new HepExporter(capture) : undefined;
  }

  pass(passing: Passing): void {
    this.#ladders.pass(passing);
    this.#exporter?.pass(passing);
  }

  ladder(callId: string): CallLadder | undefined {
    return this.#ladders.find(callId);
  }

  close(): void {
    this.#exporter?.close();
  }
}
