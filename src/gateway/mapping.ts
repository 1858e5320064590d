import { z } from 'zod';
import type { CardSecret } from '../card/card-secret.ts';
import { AppError } from '../errors.ts';
import {
  type FollowUp,
  type FollowUpResult,
  kFollowUpKinds,
  kPaymentTypes,
  type PaymentRef,
  type SubmitResult,
} from '../ports/payment-gateway.ts';
import {
  type Ask,
  type Dialect,
  type QueryResult,
  type RawReply,
  type ReversalResult,
  reachable,
  type Wire,
} from './dialect.ts';
import { accepted, answeredAgain, done, refusal, unheard } from './follow-up.ts';
import { type Filling, kOrderSlots, type Template, templateOf } from './mapping-template.ts';
import { believed, Outcomes, refused, transient, unknown } from './outcome.ts';
import { formOf, jsonOf, type ReplyNode, xmlOf } from './reply-node.ts';
import { cleanText } from './reply-text.ts';

// What gateways keep their keys for as a rule; a mapping cannot say.
const kChangeKeysMs = 24 * 3_600_000;
const kPath = z.string().regex(/^(\/[^@\s]*)?(@[^@\s/]+)?$/);
const kDeclineClass = z.enum(['reenter', 'soft', 'hard', 'auth_required']);
const kWhen = z.strictObject({
  /** HTTP status; any if absent. */
  status: z.array(z.int().min(100).max(599)).optional(),
  /** Where the reply is looked at, as `/error/code` or `/order/payment@state`. */
  path: kPath.optional(),
  /** What is there; with neither this nor `absent` anything will do. */
  in: z.array(z.string()).optional(),
  absent: z.literal(true).optional(),
});
const kRule = <T extends z.ZodType>(outcome: T) =>
  z.strictObject({
    when: kWhen,
    outcome,
    transactionId: kPath.optional(),
    authCode: kPath.optional(),
    spokenReference: kPath.optional(),
    token: kPath.optional(),
    code: kPath.optional(),
    class: kDeclineClass.optional(),
    /** Codes of the classes other than `class`. */
    classes: z.partialRecord(kDeclineClass, z.array(z.string())).optional(),
  });
const kCall = <T extends z.ZodType>(outcome: T) =>
  z.strictObject({
    method: z.enum(['GET', 'POST', 'PUT']).default('POST'),
    path: z.string().default(''),
    contentType: z.string().default('application/json'),
    headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string()).default({}),
    body: z.string().optional(),
    /** How replies are written. */
    reply: z.enum(['json', 'xml', 'form']).default('json'),
    /** Must be there and be the order's id, or the answer is not believed. */
    echo: kPath.optional(),
    rules: z.array(kRule(outcome)).min(1),
  });
const kWithCard = kCall(z.enum(['approved', 'declined', 'rejected', 'transient', 'unknown']));
const kChange = kCall(z.enum(['done', 'accepted', 'refused', 'not_sent', 'unknown'])).optional();
const kMapping = z.strictObject({
  idempotency: z.enum(['key', 'none']).default('none'),
  submit: kWithCard,
  authorize: kWithCard.optional(),
  verify: kWithCard.optional(),
  tokenize: kWithCard.optional(),
  capture: kChange,
  void: kChange,
  refund: kChange,
  query: kCall(z.enum(['approved', 'declined', 'reversed', 'not_found', 'unknown'])).optional(),
  reverse: kCall(z.enum(['reversed', 'nothing_to_reverse', 'pending', 'failed'])).optional(),
});

type Rule = z.output<ReturnType<typeof kRule<z.ZodString>>>;
type Call = Omit<z.output<ReturnType<typeof kCall<z.ZodString>>>, 'rules'> & {
  readonly rules: readonly Rule[];
};

/**
 * A gateway described by configuration: bodies as templates, replies by rules of which the first that fits counts. What fits none is
 * unknown. docs/gateways.md.
 * @throws AppError CFG_INVALID, naming the place.
 */
export function mappedDialect(name: 'rest' | 'xml', mapping: unknown, authorization: string | null): Dialect {
  const checked = kMapping.safeParse(mapping);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw wrong(issue?.path.join('.') ?? '', issue?.message ?? 'not a mapping');
  }
  const { idempotency, submit, query, reverse } = checked.data;
  checkAbsence('query', query);
  checkAbsence('reverse', reverse);
  const own: Readonly<Record<string, string>> = authorization === null ? {} : { authorization };
  const types = { ...checked.data, sale: submit };
  const withCard = preparedAll(kPaymentTypes, types, own, true);
  const changes = preparedAll(kFollowUpKinds, types, own, false);
  const look = query && prepared('query', query, own, false);
  const back = reverse && prepared('reverse', reverse, own, false);
  const change = async (wire: Wire, order: FollowUp, how: typeof answeredAgain): Promise<FollowUpResult> => {
    const asked = changes.get(order.kind);
    return asked
      ? wire.ask({ ...asked.ask(fillingOf(order), null), charges: true }, (reply) =>
          how(reply, (each) => changeOf(each, asked.call, order)),
        )
      : refusal(`no ${order.kind} is mapped`);
  };
  return {
    name,
    idempotency,
    capabilities: { lookUp: look ? 'every' : 'none', reversal: back ? 'told' : 'none' },
    operations: [...withCard.keys(), ...changes.keys()],
    submit: async (wire, request, card) => {
      const asked = withCard.get(request.operation ?? 'sale');
      return asked
        ? wire.ask({ ...asked.ask(request, card), charges: true }, (reply) =>
            believed(reply, (each) => verdictOf(each, asked.call, request)),
          )
        : refused('not mapped');
    },
    query: async (wire, ref) =>
      look && query
        ? wire.ask(look(ref, null), (reply) => foundIn(reply, query, ref))
        : unknown('no look-up is mapped'),
    reverse: async (wire, ref) =>
      back && reverse
        ? wire.ask({ ...back(ref, null), charges: true }, (reply) => reversalOf(reply, reverse, ref))
        : 'failed',
    followUp: (wire, order) => change(wire, order, believed),
    findFollowUp: async (wire, order) =>
      idempotency === 'key' && changes.has(order.kind)
        ? change(wire, order, answeredAgain)
        : unheard('what became of a change is not mapped'),
    changeKeysKnownForMs: kChangeKeysMs,
    check: (wire) => wire.ask({ method: 'GET', path: '', headers: own }, reachable),
  };
}

interface Mapped {
  readonly call: Call;
  readonly ask: (request: Filling, card: CardSecret | null) => Ask;
}

function preparedAll<K extends string>(
  names: readonly K[],
  calls: Readonly<Partial<Record<K, Call | undefined>>>,
  own: Readonly<Record<string, string>>,
  hasCard: boolean,
): ReadonlyMap<K, Mapped> {
  const found = new Map<K, Mapped>();
  for (const name of names) {
    const call = calls[name];
    if (call) found.set(name, { call, ask: prepared(name === 'sale' ? 'submit' : name, call, own, hasCard) });
  }
  return found;
}

function fillingOf({ payment, key, amount, transactionId }: FollowUp): Filling {
  return { ...payment, idempotencyKey: key, amount, transactionId, paymentKey: payment.idempotencyKey };
}

/** Templates are read once, so that a mistake in one is told at the start. */
function prepared(place: string, call: Call, own: Readonly<Record<string, string>>, hasCard: boolean) {
  const template = (key: string, text: string, kind: string, withCard: boolean): Template => {
    const made = templateOf(text, kind, withCard);
    if (typeof made === 'string') throw wrong(`${place}.${key}`, made);
    return made;
  };
  const path = template('path', call.path, 'url', false);
  const body = call.body === undefined ? undefined : template('body', call.body, call.contentType, hasCard);
  const headers = Object.entries(call.headers).map(
    ([name, text]) => [name, template(`headers.${name}`, text, 'header', false)] as const,
  );
  return (request: Filling, card: CardSecret | null): Ask => ({
    method: call.method,
    path: path(request, card).join(''),
    headers: {
      accept: call.reply === 'xml' ? 'application/xml' : 'application/json',
      ...own,
      ...Object.fromEntries(headers.map(([name, text]) => [name, text(request, card).join('')])),
    },
    ...(body ? { body: { contentType: call.contentType, segments: body(request, card) } } : {}),
  });
}

/**
 * Any proxy can answer 404 with a body of its own. Only what the gateway itself says in the body means that there is no such payment: a value
 * of its own, or the payment's name.
 */
function checkAbsence(place: string, call: Call | undefined): void {
  call?.rules.forEach(({ outcome, when }, index) => {
    const isToldInBody = when.path !== undefined && !when.absent && (when.in || when.path === call.echo);
    if ((outcome === 'not_found' || outcome === 'nothing_to_reverse') && !isToldInBody)
      throw wrong(
        `${place}.rules.${index}`,
        `${outcome} needs a path and what is there (in), or the path of echo: a bare status may be a proxy's`,
      );
  });
}

function wrong(place: string, why: string): AppError {
  return new AppError(
    'CFG_INVALID',
    `gateway.mappingFile: ${place}: ${why}; slots are ${kOrderSlots.join(', ')} and card.…`,
  );
}

function parse(reply: RawReply, { reply: kind }: Call): ReplyNode | undefined {
  switch (kind) {
    case 'json':
      return jsonOf(reply);
    case 'xml':
      return xmlOf(reply);
    case 'form':
      return formOf(reply);
  }
}

/** The rule that fits, or why none does. */
function ruleFor(
  reply: RawReply,
  call: Call,
  ref: PaymentRef,
): { readonly rule: Rule; readonly node: ReplyNode | undefined } | string {
  const node = parse(reply, call);
  const rule = call.rules.find((each) => fits(reply, node, each));
  if (!rule) return `status ${reply.status} fits no rule`;
  const isBelieved =
    call.echo === undefined ||
    !node?.has(call.echo) ||
    node.text(call.echo) === ref.idempotencyKey ||
    node.text(call.echo) === ref.paymentRef;
  return isBelieved ? { rule, node } : 'the answer names another payment';
}

function fits(reply: RawReply, node: ReplyNode | undefined, { when, outcome }: Rule): boolean {
  if (when.status && !when.status.includes(reply.status)) return false;
  // An approval behind a status that says failure is not one, unless the rule names that status.
  if (!when.status && outcome === 'approved' && (reply.status < 200 || reply.status > 299)) return false;
  if (when.path === undefined) return when.status !== undefined;
  if (!node) return false;
  if (when.absent) return !node.has(when.path);
  const text = node.text(when.path);
  return when.in ? text !== undefined && when.in.includes(text) : node.has(when.path);
}

function verdictOf(reply: RawReply, call: Call, ref: PaymentRef): SubmitResult {
  const found = ruleFor(reply, call, ref);
  if (typeof found === 'string') return unknown(found);
  const { rule, node } = found;
  const at = (path: string | undefined) => (path === undefined ? undefined : node?.text(path));
  const code = at(rule.code);
  const id = at(rule.transactionId);
  switch (rule.outcome) {
    case 'approved':
      return new Outcomes(reply).approved(id, at(rule.authCode), at(rule.spokenReference), at(rule.token));
    case 'declined':
      return new Outcomes(reply).declined(classOf(rule, code), code, id);
    case 'rejected':
      return refused(code ?? `status ${reply.status}`);
    case 'transient':
      return transient(code ?? `status ${reply.status}`);
    default:
      return unknown(`mapped: status ${reply.status}`);
  }
}

function classOf(rule: Rule, code: string | undefined) {
  const listed = Object.entries(rule.classes ?? {}).find(
    ([, codes]) => code !== undefined && codes.includes(code),
  );
  return kDeclineClass.safeParse(listed?.[0]).data ?? rule.class ?? 'soft';
}

function foundIn(reply: RawReply, call: Call, ref: PaymentRef): QueryResult {
  const found = ruleFor(reply, call, ref);
  if (typeof found !== 'string' && found.rule.outcome === 'not_found') return { kind: 'not_found' };
  if (typeof found !== 'string' && found.rule.outcome === 'reversed')
    return new Outcomes(reply).takenBack(found.node?.text(found.rule.transactionId ?? ''));
  const result = verdictOf(reply, call, ref);
  return result.kind === 'approved' || result.kind === 'declined'
    ? result
    : unknown(`look-up: status ${reply.status}`);
}

function reversalOf(reply: RawReply, call: Call, ref: PaymentRef): ReversalResult {
  const found = ruleFor(reply, call, ref);
  return typeof found === 'string' ? 'pending' : (found.rule.outcome as ReversalResult);
}

function changeOf(reply: RawReply, call: Call, { key, payment }: FollowUp): FollowUpResult {
  const found = ruleFor(reply, call, { ...payment, idempotencyKey: key });
  if (typeof found === 'string') return unheard(found);
  const { rule, node } = found;
  const at = (path: string | undefined) => (path === undefined ? undefined : node?.text(path));
  const told = at(rule.code);
  const code = told === undefined ? `status ${reply.status}` : cleanText(told);
  switch (rule.outcome) {
    case 'done':
      return done(at(rule.transactionId));
    case 'accepted':
      return accepted(at(rule.transactionId));
    case 'refused':
      return refusal(code);
    case 'not_sent':
      return { kind: 'not_sent', reason: code };
    default:
      return unheard(`mapped: status ${reply.status}`);
  }
}
