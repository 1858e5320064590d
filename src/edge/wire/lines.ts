// The lines the edge writes to an application. drachtio-srf reads tokens by position: of a `sip` line the transaction is
// token 8 and the dialog token 9, of a `response` line they are tokens 10 and 11.

import { newId } from '../identifiers.ts';
import type { Flow } from '../transport/flow.ts';

/** When and how a message travelled. */
export interface Passage {
  readonly flow: Flow;
  readonly bytes: number;
  readonly at: Date;
}

/** A request from the network outside any dialog. */
export function newRequestLine(passage: Passage, transactionId: string): string {
  const { local } = passage.flow;
  return `${newId()}|sip|network|${passageTokens(passage)}|${transactionId}||${local.host}|${local.port}|`;
}

/** A request in a dialog, a CANCEL, an ACK, or a response to a request of the application. */
export function dialogMessageLine(passage: Passage, transactionId: string, dialogId: string): string {
  return `${newId()}|sip|network|${passageTokens(passage)}|${transactionId}|${dialogId}|`;
}

/** A response the edge made up because none will come: bears no address. */
export function syntheticResponseLine(flow: Flow, at: Date, transactionId: string, dialogId: string): string {
  return `${newId()}|sip|network|0|${flow.transport}||0|${timeText(at)}|${transactionId}|${dialogId}|`;
}

/** A BYE the edge sent of its own accord. */
export function unsolicitedLine(passage: Passage, dialogId: string): string {
  return `${newId()}|sip|application|${passageTokens(passage)}|unsolicited|${dialogId}|`;
}

export function requestSentLine(commandId: string, passage: Passage, transactionId: string): string {
  return `${newId()}|response|${commandId}|OK|application|${passageTokens(passage)}|${transactionId}|Msg sent:|`;
}

export function responseSentLine(
  commandId: string,
  passage: Passage,
  transactionId: string,
  dialogId: string,
): string {
  return `${newId()}|response|${commandId}|OK|application|${passageTokens(passage)}|${transactionId}|${dialogId}||Msg sent:|`;
}

/** @param more - the role or the reason that ends the line. */
export function callRecordLine(kind: string, source: string, at: Date, more: readonly string[]): string {
  return [newId(), kind, source, timeText(at), ...more].join('|');
}

/** A final answer to a request the edge proxies; `OK|done` follows when no more will come. */
export function proxyProgressLine(commandId: string, passage: Passage): string {
  return `${newId()}|response|${commandId}|OK|network|${passageTokens(passage)}|||continue`;
}

export function okLine(commandId: string, ...more: string[]): string {
  return [newId(), 'response', commandId, 'OK', ...more].join('|');
}

export function failureLine(commandId: string, reason: string): string {
  return `${newId()}|response|${commandId}|NOK|${reason}`;
}

export function wrongSecretLine(commandId: string): string {
  return `${newId()}|response|${commandId}|NO|incorrect secret`;
}

function passageTokens({ flow, bytes, at }: Passage): string {
  return `${bytes}|${flow.transport}|${flow.remote.host}|${flow.remote.port}|${timeText(at)}`;
}

/** `HH:MM:SS.uuuuuu` of UTC; the clock gives milliseconds. */
function timeText(at: Date): string {
  return `${at.toISOString().slice(11, 23)}000`;
}
