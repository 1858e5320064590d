import { type Money, parseMajor } from '../money/money.ts';
import { kPaymentTypes, type PaymentType } from '../ports/payment-gateway.ts';
import type { IncomingCall } from '../ports/signaling.ts';

/** What a call brought along about the payment. null = not given. */
export interface CallData {
  readonly customerId: string | null;
  readonly merchantId: string | null;
  readonly reference: string | null;
  readonly currency: string | null;
  readonly amount: Money | null;
  readonly identified: 'true' | 'false' | 'unknown';
  /** What is done with the card; null: what configuration says. */
  readonly operation: PaymentType | null;
  /** SIP URI the caller is sent to afterwards; its header `Replaces` names the leg of a reserved agent there. */
  readonly returnUri: string | null;
}

/** A value that cannot be used; the text names header, value and remedy. */
export type Problem = string;

/** The message that brings call data: an INVITE, or a re-INVITE. */
export type CallDataSource = Pick<IncomingCall, 'header' | 'requestUri' | 'trunk'>;

export interface ReadCallData {
  readonly data: CallData;
  readonly problems: readonly Problem[];
}

const kNames = [
  'Customer-Id',
  'Merchant-Id',
  'Reference',
  'Amount',
  'Currency',
  'Identified',
  'Return-Uri',
  'Operation',
  'Agent',
] as const;
type Name = (typeof kNames)[number];
type Values = ReadonlyMap<Name, string>;

const kMaxTextLength = 64;
const kMaxUriLength = 512;
const kReturnUri =
  /^(sips?:[^\s<>"?,]+(\?Replaces=(?=\S*to-tag)(?=\S*from-tag)[^\s<>"?,&]+)?|tel:[0-9+*#().;=a-z-]+)$/i;
const kMaxUserToUserHex = 1024;

/**
 * Reads the call data: `X-Pay-*` headers first, then `User-to-User` (RFC 7433, hex of `customer-id=…;amount=…`), then parameters of
 * the request URI. The first place that names a value wins. Amounts count only from a trunk that may set them.
 */
export function readCallData(call: CallDataSource, defaultCurrency: string): ReadCallData {
  const sources = sourcesOf(call);
  const problems: Problem[] = [];
  const value = (name: Name) => valueIn(sources, name);
  const currency = readCurrency(value('Currency'), problems);
  const data: CallData = {
    customerId: readText('Customer-Id', value('Customer-Id'), problems),
    merchantId: readText('Merchant-Id', value('Merchant-Id'), problems),
    reference: readText('Reference', value('Reference'), problems),
    currency,
    amount: readAmount(value('Amount'), currency ?? defaultCurrency, call, problems),
    identified: readIdentified(value('Identified'), problems),
    operation: readOperation(value('Operation'), call, problems),
    returnUri: readReturnUri(value('Return-Uri'), call, problems),
  };
  return { data, problems };
}

/** Whom a call pays, by the name it brings along: it decides the currency of everything else. */
export function merchantIdIn(call: CallDataSource): string | null {
  return readText('Merchant-Id', valueIn(sourcesOf(call), 'Merchant-Id'), []);
}

/** Whose call it is among agents, by an id their keys are bound to; '' where it says nothing. */
export function agentIn(call: CallDataSource): string {
  return readText('Agent', valueIn(sourcesOf(call), 'Agent'), []) ?? '';
}

function sourcesOf(call: CallDataSource): readonly Values[] {
  return [fromHeaders(call), fromUserToUser(call.header('User-to-User')), fromUri(call.requestUri)];
}

function valueIn(sources: readonly Values[], name: Name): string | null {
  return (
    sources.map((source) => source.get(name)).find((found) => found !== undefined && found !== '') ?? null
  );
}

function fromHeaders(call: CallDataSource): Values {
  const found = new Map<Name, string>();
  for (const name of kNames) {
    const value = call.header(`X-Pay-${name}`)?.trim();
    if (value !== undefined) found.set(name, unquote(value));
  }
  return found;
}

/** RFC 7433: `<hex>;encoding=hex`, other encodings and contents are somebody else's and passed over. */
function fromUserToUser(header: string | undefined): Values {
  const [hex = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim());
  const isHex = parameters.some((parameter) => /^encoding="?hex"?$/i.test(parameter));
  if (!isHex || hex.length > kMaxUserToUserHex || !/^([0-9a-f]{2})+$/i.test(hex)) return new Map();
  return fromPairs(Buffer.from(hex, 'hex').toString('utf8').split(';'));
}

/** `sip:pay@host;amount=50.25;customer-id=C1` and `sip:pay@host?X-Pay-Amount=50.25`. */
function fromUri(uri: string): Values {
  const [address = '', headers = ''] = uri.split('?');
  const afterHost = address.slice(address.indexOf('@') + 1).split(';');
  return fromPairs([...afterHost.slice(1), ...headers.split('&')].map(unescapeUri));
}

function fromPairs(pairs: readonly string[]): Values {
  const found = new Map<Name, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair
      .slice(0, at)
      .trim()
      .toLowerCase()
      .replace(/^x-pay-/, '');
    const name = kNames.find((each) => each.toLowerCase() === key);
    if (at > 0 && name && !found.has(name)) found.set(name, pair.slice(at + 1).trim());
  }
  return found;
}

function readText(name: Name, value: string | null, problems: Problem[]): string | null {
  if (value === null) return null;
  const printable = /^[\x20-\x7e\u00a0-\uffff]+$/.test(value);
  if (printable && value.length <= kMaxTextLength) return value;
  problems.push(`X-Pay-${name} must be 1 to ${kMaxTextLength} printable characters, it has ${value.length}`);
  return null;
}

function readCurrency(value: string | null, problems: Problem[]): string | null {
  if (value === null) return null;
  if (/^[A-Z]{3}$/i.test(value)) return value.toUpperCase();
  problems.push(
    `X-Pay-Currency must be three letters of ISO 4217 such as USD, it has ${value.length} characters`,
  );
  return null;
}

function readAmount(
  value: string | null,
  currency: string,
  call: CallDataSource,
  problems: Problem[],
): Money | null {
  if (value === null) return null;
  if (!call.trunk.maySetAmounts) {
    problems.push(`X-Pay-Amount is ignored: trunk "${call.trunk.name}" may not set amounts (maySetAmounts)`);
    return null;
  }
  const amount = parseMajor(value, currency);
  if (amount && amount.minor > 0) return amount;
  problems.push(
    `X-Pay-Amount must be an amount above zero in ${currency} such as "50.25", with no sign or separators`,
  );
  return null;
}

function readIdentified(value: string | null, problems: Problem[]): CallData['identified'] {
  const lower = value?.toLowerCase() ?? 'unknown';
  if (lower === 'true' || lower === 'false' || lower === 'unknown') return lower;
  problems.push('X-Pay-Identified must be true, false or unknown');
  return 'unknown';
}

function readOperation(value: string | null, call: CallDataSource, problems: Problem[]): PaymentType | null {
  if (value === null) return null;
  if (!call.trunk.maySetAmounts) {
    problems.push(
      `X-Pay-Operation is ignored: trunk "${call.trunk.name}" may not set amounts (maySetAmounts)`,
    );
    return null;
  }
  const operation = kPaymentTypes.find((each) => each === value.toLowerCase());
  if (!operation) problems.push(`X-Pay-Operation must be one of ${kPaymentTypes.join(', ')}`);
  return operation ?? null;
}

function readReturnUri(value: string | null, call: CallDataSource, problems: Problem[]): string | null {
  if (value === null) return null;
  if (!call.trunk.mayBeReferred) {
    problems.push(
      `X-Pay-Return-Uri is ignored: trunk "${call.trunk.name}" may not be referred (mayBeReferred)`,
    );
    return null;
  }
  const uri = value.replace(/^<(.*)>$/, '$1');
  // Neither brackets, quotes nor blanks: it is put between < and > of Refer-To, with headers of ours.
  if (uri.length <= kMaxUriLength && kReturnUri.test(uri)) return uri;
  problems.push(
    'X-Pay-Return-Uri must be a SIP or tel URI without display name, and without headers but Replaces',
  );
  return null;
}

function unquote(value: string): string {
  return value.replace(/^"(.*)"$/, '$1');
}

function unescapeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
