import type { Answering } from '../core/answering.ts';
import type { EdgeContext } from '../core/context.ts';
import type { Inbound } from '../core/inbound.ts';
import { nextHop } from '../core/next-hop.ts';
import type { Sending } from '../core/sending.ts';
import { tagOf } from '../sip/address.ts';
import { type Essentials, isProblem, readEssentials } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';
import { serialize } from '../sip/serialize.ts';
import type { HostPort } from '../transport/flow.ts';
import type { Application } from '../wire/application.ts';
import { failureLine, okLine, proxyProgressLine } from '../wire/lines.ts';
import { plainForm } from '../wire/plain-form.ts';
import { composeForward, hopOf, maxForwards, withoutOwnRoutes } from './forwarding.ts';
import { type ProxyOptions, readProxyOptions } from './options.ts';
import type { ProxiedDialogs } from './proxied-dialogs.ts';
import { type ProxyReport, ProxySession } from './proxy-session.ts';

const kTooManyHops = 'Rejected with 483 Too Many Hops due to Max-Forwards value of 0';
const kUnreachable = 'error proxying request to ';
const kSilent: ProxyReport = { answered: () => {}, done: () => {}, dialogMade: () => {} };

/** Requests that are sent on instead of answered. */
export class Proxying {
  readonly #context: EdgeContext;
  readonly #sending: Sending;
  readonly #answering: Answering;
  readonly #dialogs: ProxiedDialogs;

  constructor(context: EdgeContext, sending: Sending, answering: Answering, dialogs: ProxiedDialogs) {
    this.#context = context;
    this.#sending = sending;
    this.#answering = answering;
    this.#dialogs = dialogs;
  }

  /** A `proxy` command. @param asked - its headers are added. */
  fromApplication(application: Application, tokens: readonly string[], asked: SipRequest): void {
    const [id = '', , transactionId = '', ...rest] = tokens;
    const inbound = this.#context.inbound.open(transactionId);
    if (!inbound || inbound.proxied || inbound.dialog) {
      application.push(failureLine(id, `Unknown transaction id: ${transactionId}`));
      return;
    }
    const options = readProxyOptions(rest);
    const told = options.fullResponse ? this.#progressFor(application, id) : kSilent;
    const failed = this.start(inbound, options, asked.headers, told);
    if (failed !== undefined) application.push(failureLine(id, failed));
    else if (!options.fullResponse) application.push(okLine(id, 'done'));
  }

  /** Proxies a request outside any dialog. @returns why it could not; it has been answered then. */
  start(
    inbound: Inbound,
    options: ProxyOptions,
    added = new Headers(),
    told: ProxyReport = kSilent,
  ): string | undefined {
    if (maxForwards(inbound.request) === 0) {
      this.#answering.answer(inbound, { status: 483 });
      return kTooManyHops;
    }
    const request = withoutOwnRoutes(this.#context.network, inbound.request) ?? inbound.request;
    const report = options.remainInDialog ? this.#remaining(told) : told;
    return this.#run(inbound, request, options, added, report) ? undefined : kUnreachable;
  }

  /** A request of a dialog we remained in. @returns false when it is none of ours. */
  forward(inbound: Inbound): boolean {
    const { request, essentials } = inbound;
    const onward = this.#onward(request, essentials);
    if (!onward) return false;
    if (maxForwards(request) === 0) {
      this.#answering.answer(inbound, { status: 483 });
      return true;
    }
    this.#dialogs.note(essentials);
    if (request.method === 'BYE')
      this.#context.records.stop('network', 'normal-release', () => plainForm(request));
    const done = (): void => {
      if (request.method === 'BYE') this.#dialogs.forget(essentials);
    };
    const options = { ...readProxyOptions([]), destinations: [hopOf(onward)] };
    this.#run(inbound, onward, options, new Headers(), { ...kSilent, done }, true);
    if (request.method === 'BYE')
      this.#context.records.stop('application', 'normal-release', () => serialize(onward));
    return true;
  }

  /** ACK of a 2xx: passed on without a transaction (RFC 3261 section 16.11). @returns false when it is none of ours. */
  forwardAck(request: SipRequest, essentials: Essentials): boolean {
    const onward = this.#onward(request, essentials);
    if (!onward || maxForwards(request) === 0) return onward !== undefined;
    const { network } = this.#context;
    const hop = nextHop(network, hopOf(onward));
    if (hop.kind === 'refused') return true;
    const how = { requestUri: onward.uri, flow: hop.flow, recordRouteFor: undefined, added: new Headers() };
    const bytes = serialize(composeForward(network, onward, how).request);
    const { transport } = hop.flow;
    const send = (remote: HostPort | undefined): void => {
      if (remote)
        network.send({ ...hop.flow, remote: { host: remote.host, port: remote.port } }, bytes, () => {});
    };
    if (!hop.query) send(hop.flow.remote);
    else
      network.locate(hop.query, (targets) => send(targets.find((target) => target.transport === transport)));
    return true;
  }

  #onward(request: SipRequest, essentials: Essentials): SipRequest | undefined {
    if (!this.#dialogs.knows(essentials)) return undefined;
    return withoutOwnRoutes(this.#context.network, request);
  }

  #run(
    inbound: Inbound,
    request: SipRequest,
    options: ProxyOptions,
    added: Headers,
    report: ProxyReport,
    keepsUri = false,
  ): boolean {
    const session = new ProxySession({
      context: this.#context,
      sending: this.#sending,
      inbound,
      request,
      options,
      added,
      report,
      answer: (parts) => void this.#answering.answer(inbound, parts),
      keepsUri,
    });
    inbound.cancelReap();
    inbound.proxied = session;
    inbound.application = undefined;
    if (session.start()) return true;
    this.#answering.answer(inbound, { status: 500 });
    return false;
  }

  #progressFor(application: Application, id: string): ProxyReport {
    return {
      ...kSilent,
      answered: (response, flow) => {
        const text = plainForm(response);
        const passage = { flow, bytes: text.length, at: this.#context.clock.date() };
        application.push(proxyProgressLine(id, passage), text);
      },
      done: () => application.push(okLine(id, 'done')),
    };
  }

  /** Remembers the dialogs that are made, the early ones until it is known which of them lasts. */
  #remaining(told: ProxyReport): ProxyReport {
    const early = new Map<string, Essentials>();
    return {
      ...told,
      dialogMade: (response) => {
        const essentials = readEssentials(response);
        if (isProblem(essentials) || tagOf(essentials.to) === '') return;
        this.#dialogs.note(essentials);
        if (response.status < 200) early.set(tagOf(essentials.to), essentials);
        else early.delete(tagOf(essentials.to));
      },
      done: () => {
        for (const essentials of early.values()) this.#dialogs.forget(essentials);
        told.done();
      },
    };
  }
}
