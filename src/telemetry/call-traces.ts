import { createHash, randomBytes } from 'node:crypto';
import { context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Cancel } from '../ports/clock.ts';
import type { LiveEvent } from '../ports/live-events.ts';
import type { SessionRecord } from '../ports/store.ts';
import {
  attributesOf,
  countOf,
  sessionNameOf,
  stageOf,
  type TraceFacts,
  topologyOf,
  wordOf,
} from './trace-facts.ts';

export interface TraceOptions {
  /** Of a collector, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Sent as bearer; null: nothing is. */
  readonly token: string | null;
}

export interface TraceSources {
  readonly feed: { listen(listener: (event: LiveEvent) => void): Cancel };
  readonly find: (sessionId: string) => SessionRecord | undefined;
}

/** The spans of a session that has not ended. */
interface Open {
  readonly session: Span;
  stage?: Span | undefined;
  gateway?: Span | undefined;
}

const kExportTimeoutMs = 10_000;
const kTraceIdHex = 32;

/**
 * Traces (OpenTelemetry, OTLP over HTTP): one a call, named by its Call-ID's hash so that payments of one call are in one trace. A span for each
 * payment, below it one for each step and each submission. Made by main, closed by it; what cannot be sent is dropped.
 */
export class CallTraces {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #find: TraceSources['find'];
  readonly #open = new Map<string, Open>();
  readonly #stopListening: Cancel;
  #traceId = '';

  constructor({ url, token }: TraceOptions, { feed, find }: TraceSources) {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: kExportTimeoutMs });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'hushpay' }),
      idGenerator: {
        generateTraceId: () => this.#traceId,
        generateSpanId: () => randomBytes(8).toString('hex'),
      },
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    });
    this.#tracer = this.#provider.getTracer('hushpay');
    this.#find = find;
    this.#stopListening = feed.listen((event) => this.#note(event));
  }

  /** Resolves when what there is was sent, or given up. Never rejects. */
  async close(): Promise<void> {
    this.#stopListening();
    for (const open of this.#open.values()) end(open, new Date());
    this.#open.clear();
    await this.#provider.shutdown().catch(() => undefined);
  }

  #note({ sessionId, type, at, detail }: LiveEvent): void {
    const time = new Date(at);
    if (type === 'started') {
      this.#begin(sessionId, time);
      return;
    }
    if (type === 'resolved') {
      this.#resolved(sessionId, time, { resolution: wordOf(detail['resolution']) });
      return;
    }
    const open = this.#open.get(sessionId);
    if (!open) return;
    const { outcome, declineClass, field, error, role, action, on } = detail;
    switch (type) {
      case 'stage':
        this.#step(open, stageOf(detail['stage']), time);
        break;
      case 'attempt':
        open.gateway?.setAttributes(facts({ outcome: wordOf(outcome), declineClass: wordOf(declineClass) }));
        open.gateway?.end(time);
        open.gateway = undefined;
        break;
      case 'field_error':
        open.stage?.addEvent('field_error', facts({ field: wordOf(field), error: wordOf(error) }), time);
        break;
      case 'secure_mode':
        open.session.addEvent('secure_mode', facts({ on: on === true }), time);
        break;
      case 'joined':
      case 'left':
      case 'action':
        open.session.addEvent(type, facts({ role: wordOf(role), action: wordOf(action) }), time);
        break;
      case 'ended':
        this.#end(sessionId, open, time);
        break;
    }
  }

  #begin(sessionId: string, time: Date): void {
    const record = this.#find(sessionId);
    if (!record || this.#open.has(sessionId)) return;
    this.#nameTrace(record);
    const attributes = facts({
      session: sessionNameOf(sessionId),
      topology: topologyOf(record.topology),
      gateway: wordOf(record.gateway),
    });
    const options = { root: true, kind: SpanKind.SERVER, startTime: time, attributes };
    this.#open.set(sessionId, { session: this.#tracer.startSpan('payment', options) });
  }

  #step(open: Open, stage: ReturnType<typeof stageOf>, time: Date): void {
    open.stage?.end(time);
    open.stage = stage && this.#child(open, stage, time, { stage });
    if (stage === 'SUBMIT') open.gateway = this.#child(open, 'gateway', time, {});
  }

  #child(open: Open, name: string, startTime: Date, said: TraceFacts): Span {
    const parent = trace.setSpan(context.active(), open.session);
    return this.#tracer.startSpan(name, { startTime, attributes: attributesOf(said) }, parent);
  }

  #end(sessionId: string, open: Open, time: Date): void {
    const record = this.#find(sessionId);
    const { result, outcome, attempts, declines } = record ?? {};
    open.session.setAttributes(
      facts({
        result: wordOf(result),
        outcome: wordOf(outcome),
        attempts: countOf(attempts),
        declines: countOf(declines),
      }),
    );
    if (outcome === 'failed' || outcome === 'unknown') open.session.setStatus({ code: SpanStatusCode.ERROR });
    end(open, time);
    this.#open.delete(sessionId);
  }

  /** What an unknown outcome turned out to be, hours later perhaps: in the same trace. */
  #resolved(
    sessionId: string,
    time: Date,
    said: Partial<Record<'resolution', ReturnType<typeof wordOf>>>,
  ): void {
    const record = this.#find(sessionId);
    if (!record) return;
    this.#nameTrace(record);
    const attributes = facts({ ...said, session: sessionNameOf(sessionId) });
    this.#tracer.startSpan('resolved', { root: true, startTime: time, attributes }).end(time);
  }

  #nameTrace({ callId }: SessionRecord): void {
    this.#traceId = createHash('sha256').update(callId).digest('hex').slice(0, kTraceIdHex);
  }
}

function end({ session, stage, gateway }: Open, time: Date): void {
  gateway?.end(time);
  stage?.end(time);
  session.end(time);
}

/** Facts some of which are not known. */
function facts(said: { readonly [Name in keyof TraceFacts]: TraceFacts[Name] | undefined }) {
  return attributesOf(said as TraceFacts);
}
