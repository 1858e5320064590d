import type { Clock } from '../../ports/clock.ts';
import { DialogTable } from '../dialog/dialog-table.ts';
import { dialogOf, keptCallOf } from '../dialog/kept-call.ts';
import type { NatFix } from '../dialog/nat.ts';
import { UnacknowledgedAnswers } from '../dialog/unacknowledged.ts';
import type { EdgeLimits } from '../limits.ts';
import type { KeptCall } from '../protocol.ts';
import { ProxiedDialogs } from '../proxy/proxied-dialogs.ts';
import { Proxying } from '../proxy/proxying.ts';
import { withUsableBody } from '../sip/body.ts';
import { isProblem, readEssentials } from '../sip/essentials.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import { parseApplicationMessage, parseMessage } from '../sip/parse.ts';
import { Counter, type EdgeStats } from '../stats.ts';
import type { Trace } from '../trace/trace.ts';
import { clientKey } from '../transaction/keys.ts';
import { Timers } from '../transaction/timers.ts';
import type { AccessList } from '../transport/access.ts';
import { type Flow, isStream } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';
import { Gate } from '../trust/gate.ts';
import { type EdgeCredentials, kNoTrust, type TrustPolicy } from '../trust/policy.ts';
import type { Application, ApplicationChoice } from '../wire/application.ts';
import { failureLine } from '../wire/lines.ts';
import type { Decider } from '../wire/request-handlers.ts';
import { Answering } from './answering.ts';
import { CallRecords } from './call-records.ts';
import type { EdgeContext, EdgeLog } from './context.ts';
import { InboundTable } from './inbound.ts';
import { Incoming } from './incoming.ts';
import { MeteredNetwork } from './metered-network.ts';
import { kMethods } from './methods.ts';
import { OutboundTable } from './outbound.ts';
import { OutgoingDialogs } from './outgoing-dialogs.ts';

export interface EdgeNeeds {
  readonly clock: Clock;
  readonly network: Network;
  readonly limits: EdgeLimits;
  /** Sources that may call without belonging to a trunk. */
  readonly access: AccessList;
  /** Trunks, users, guards; nothing of the kind unless given. */
  readonly trust?: TrustPolicy;
  readonly applications: ApplicationChoice;
  readonly decider?: Decider | undefined;
  readonly log: EdgeLog;
  /** 'private' unless given. */
  readonly natFix?: NatFix;
  /** Sees every message from and to those who may talk to us. */
  readonly trace?: Trace;
  /** Told of each call that begins what it takes to end it, and of each that is over null. */
  readonly keep?: (name: string, call: KeptCall | null) => void;
}

/** The SIP edge without its sockets: messages come in by its methods and leave by the network and the applications. */
export class Edge {
  readonly #context: EdgeContext;
  readonly #answering: Answering;
  readonly #incoming: Incoming;
  readonly #proxying: Proxying;
  readonly #dialogs: OutgoingDialogs;
  readonly #trace: Trace | undefined;

  constructor(needs: EdgeNeeds) {
    const messages = new Counter();
    const drops = new Counter();
    const gate = new Gate(needs, needs.trust ?? kNoTrust, drops);
    this.#trace = needs.trace;
    this.#context = {
      ...needs,
      network: new MeteredNetwork(needs.network, messages, (flow, bytes) => this.#show('out', flow, bytes)),
      natFix: needs.natFix ?? 'private',
      records: new CallRecords(needs.applications, needs.clock),
      timers: new Timers(needs.clock),
      gate,
      dialogs: new DialogTable(
        (dialog) => {
          if (dialog.kind === 'invite') gate.caps.ended(dialog.id);
          needs.keep?.(dialog.key, null);
        },
        (dialog) => {
          if (dialog.kind === 'invite') needs.keep?.(dialog.key, keptCallOf(dialog));
        },
      ),
      proxied: new ProxiedDialogs(needs.clock, needs.limits.dialogs),
      inbound: new InboundTable(({ counted, dialog, dialogId }) => {
        if (counted && !dialog) gate.caps.ended(dialogId);
      }),
      outbound: new OutboundTable(),
      messages,
      drops,
      retransmissions: { count: 0 },
    };
    const unacknowledged = new UnacknowledgedAnswers(this.#context.timers);
    this.#dialogs = new OutgoingDialogs(this.#context, unacknowledged);
    this.#answering = new Answering(this.#context, unacknowledged, this.#dialogs);
    this.#proxying = new Proxying(
      this.#context,
      this.#dialogs.sending,
      this.#answering,
      this.#context.proxied,
    );
    this.#incoming = new Incoming(this.#context, this.#answering, unacknowledged, this.#proxying, (dialog) =>
      this.#dialogs.forget(dialog),
    );
  }

  /** Who users are, and whom trunks know us as, from the next request on. */
  replaceCredentials(credentials: EdgeCredentials): void {
    this.#context.gate.replaceCredentials(credentials);
  }

  /** Whether a source may open a connection; one that may not is counted. */
  accepts(host: string): boolean {
    return this.#context.gate.accepts(host);
  }

  /** Whether a connection is one of a trunk, by its address or its certificate. */
  knows(flow: Flow): boolean {
    return this.#context.gate.knows(flow);
  }

  /** A connection has gone, and with it the phones that registered over it. */
  lost(flow: Flow): void {
    this.#context.gate.registrar.loseFlow(flow);
  }

  /** Something was turned away before it was a message. */
  dropped(reason: string): void {
    this.#context.drops.add(reason);
  }

  /** One message from the network. @param text - byte string of a datagram, or one message of a stream. */
  receive(text: string, flow: Flow): void {
    if (isKeepAlive(text) || this.#context.gate.isBanned(flow)) return;
    const parsed = parseMessage(text, { stream: isStream(flow.transport) });
    if (parsed.kind === 'rubbish') {
      this.#context.drops.add(parsed.reason);
      this.#context.gate.disturbed(flow);
      return;
    }
    if (parsed.kind === 'bad-request') {
      this.#incoming.refuse(parsed.request, flow, parsed.problem);
      return;
    }
    const { message } = parsed;
    if (message.kind === 'response') {
      this.#receiveResponse(message, flow, text);
      return;
    }
    const method = kMethods.includes(message.method) ? message.method : 'other';
    this.#count(flow, method, text);
    this.#incoming.receive(message, flow, text.length);
  }

  /** One `sip` or `proxy` command of an application. */
  command(application: Application, tokens: readonly string[], text: string): void {
    const [id = '', verb, transactionId = '', dialogId = '', proxy = ''] = tokens;
    const message = parseApplicationMessage(text);
    if (!message) {
      application.push(failureLine(id, 'invalid message'));
      return;
    }
    if (verb === 'proxy') {
      if (message.kind === 'request') this.#proxying.fromApplication(application, tokens, message);
      else application.push(failureLine(id, 'invalid message'));
      return;
    }
    if (message.kind === 'response') this.#answering.fromApplication(application, id, transactionId, message);
    else this.#dialogs.outgoing.fromApplication({ application, id, transactionId, dialogId, proxy }, message);
  }

  /** Its connection has gone: what it owned is ended, so that no caller stays in a dead call. */
  applicationGone(application: Application): void {
    this.#endAll('application disconnected', (owner) => owner === application);
  }

  /** Ends calls of a process that died, as far as they can still be reached. */
  endLost(calls: readonly KeptCall[]): void {
    for (const kept of calls) {
      const dialog = dialogOf(kept);
      if (!dialog) continue;
      this.#context.dialogs.add(dialog);
      this.#dialogs.hangUp(dialog, 'server was started again');
    }
  }

  /** Ends everything, before the process ends. */
  close(): void {
    this.#endAll('server stops', () => true);
  }

  #endAll(reason: string, owns: (application: Application | undefined) => boolean): void {
    const { inbound, outbound, dialogs } = this.#context;
    for (const open of inbound.allOpen()) if (owns(open.application)) this.#answering.unavailable(open);
    for (const sent of outbound.all()) {
      const isPending = sent.request.method === 'INVITE' && !sent.cancelled && sent.acceptedTag === undefined;
      if (isPending && owns(sent.application)) this.#dialogs.sending.cancel(sent);
    }
    for (const dialog of dialogs.all()) if (owns(dialog.application)) this.#dialogs.hangUp(dialog, reason);
  }

  stats(): Omit<EdgeStats, 'applications' | 'memory'> {
    const { messages, drops, retransmissions, inbound, outbound, dialogs, proxied, timers, gate } =
      this.#context;
    return {
      messages: messages.toJSON(),
      drops: drops.toJSON(),
      retransmissions: retransmissions.count,
      transactions: inbound.size + outbound.size,
      dialogs: dialogs.size + proxied.size,
      timers: timers.live,
      bindings: gate.registrar.size,
      bans: gate.bans,
      callsByTrunk: gate.caps.calls,
    };
  }

  #count(flow: Flow, what: string, text: string): void {
    this.#context.messages.add(`in ${flow.transport} ${what}`);
    if (this.#trace && this.#context.gate.standingOf(flow).kind !== 'stranger') this.#show('in', flow, text);
  }

  #show(direction: 'in' | 'out', flow: Flow, text: string): void {
    const { clock } = this.#context;
    this.#trace?.pass({ direction, flow, text, atMs: clock.now(), date: clock.date() });
  }

  /** RFC 3261 section 17.1.3: by branch and method; what matches nothing is dropped. */
  #receiveResponse(response: SipResponse, flow: Flow, text: string): void {
    const essentials = readEssentials(response);
    this.#count(flow, String(response.status), text);
    if (isProblem(essentials)) {
      this.#context.drops.add('malformed');
      return;
    }
    const { via, cseq } = essentials;
    const outbound = this.#context.outbound.byKey(clientKey(via.params.get('branch') ?? '', cseq.method));
    if (!outbound || response.headers.first('call-id') !== callIdOf(outbound.request)) {
      this.#context.drops.add('stray-response');
      return;
    }
    this.#context.network.vouch(flow);
    const usable = withUsableBody(response);
    if (usable !== response) this.#context.drops.add('response-body');
    outbound.transaction.receive(usable);
  }
}

function callIdOf(request: SipRequest): string | undefined {
  return request.headers.first('call-id');
}

/** CRLF, or the zero bytes some devices send. */
function isKeepAlive(text: string): boolean {
  return text.length <= 4 && /^[\r\n\0]*$/.test(text);
}
