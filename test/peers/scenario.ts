import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { G711 } from '../../src/phone/g711.ts';
import { durationMs, encodedTones, eventCapture, kEventPayloadType } from './keys.ts';

/**
 * How a phone tells which key was pressed: telephone-events of our encoder or of SIPp's own, tones, INFO with `dtmf-relay` or the bare
 * symbol.
 */
export type KeyCarrier = 'event' | 'sipp-event' | 'tone' | 'info' | 'info-bare';

/** What a scenario leaves open. */
export interface Phone {
  readonly carrier: KeyCarrier;
  readonly codec: G711;
  readonly dialled: string;
  /** Parameters of the request URI, with their `;`. */
  readonly uriParameters: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Process a scenario lets go on with `<include part="thaw"/>`; 0 where there is none. */
  readonly frozen: number;
}

/** A scenario as SIPp reads it, and the files it plays. */
export interface Script {
  readonly xml: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const kFolder = fileURLToPath(new URL('sipp', import.meta.url));
const kPayloadTypes: Readonly<Record<G711, number>> = { PCMU: 0, PCMA: 8 };
const kInfoGapMs = 60;
const kSippEventPayloadType = 96; // it knows no other
const kSippLeadMs = 700; // it sends something else first, for 600 ms
const kSippKeyMs = 400; // 200 on, 200 off

/**
 * Turns a file of the folder `sipp` into what SIPp reads. Two elements are ours: `<include part="dial"/>` puts `dial.part.xml` in its
 * place, `<press keys="…"/>` presses keys the way the phone does; with `last="true"` hushpay may hang up on the key, so nothing is waited
 * for.
 */
export function scriptOf(name: string, phone: Phone): Script {
  const files = new Map<string, Uint8Array>();
  const filled = fill(including(read(name)), phone);
  const xml = filled.replace(
    /^.*<press keys="([^"]+)"( last="true")?\/>/gm,
    (_, keys: string, last?: string) => press(keys, last === undefined, phone, files),
  );
  return { xml, files };
}

function read(name: string): string {
  return readFileSync(join(kFolder, `${name}.xml`), 'utf8');
}

/** Other attributes of an include fill the part's blanks of their names. */
function including(xml: string): string {
  return xml.replace(/^ *<include part="([\w-]+)"(.*)\/>\n/gm, (_, part: string, attributes: string) => {
    const blanks = attributes.matchAll(/([\w-]+)="([^"]*)"/g);
    return [...blanks].reduce(
      (text, [, name, value = '']) => text.replaceAll(`{${name}}`, value),
      including(read(`${part}.part`)),
    );
  });
}

function fill(xml: string, phone: Phone): string {
  const headers = Object.entries(phone.headers).map(([name, value]) => `${name}: ${value}`);
  return xml
    .replaceAll('{dialled}', phone.dialled)
    .replaceAll('{uri-parameters}', phone.uriParameters)
    .replaceAll('{frozen}', String(phone.frozen))
    .replaceAll(/^( *)\{media\}$/gm, (_, indent: string) => lines(indent, mediaOf(phone)))
    .replaceAll(/^( *)\{headers\}\n/gm, (_, indent: string) =>
      headers.map((header) => `${indent}${header}\n`).join(''),
    );
}

function lines(indent: string, all: readonly string[]): string {
  return all.map((line) => `${indent}${line}`).join('\n');
}

function mediaOf({ carrier, codec }: Phone): readonly string[] {
  const type = kPayloadTypes[codec];
  const port = carrier === 'tone' ? '[rtpstream_audio_port]' : '[auto_media_port]';
  const audio = [`m=audio ${port} RTP/AVP ${type}`, `a=rtpmap:${type} ${codec}/8000`, 'a=ptime:20'];
  const event =
    carrier === 'event' ? kEventPayloadType : carrier === 'sipp-event' ? kSippEventPayloadType : null;
  if (event === null) return audio;
  return [
    `${audio[0]} ${event}`,
    ...audio.slice(1),
    `a=rtpmap:${event} telephone-event/8000`,
    `a=fmtp:${event} 0-15`,
  ];
}

function press(keys: string, isWaited: boolean, phone: Phone, files: Map<string, Uint8Array>): string {
  const { carrier, codec } = phone;
  const file = `keys-${files.size}`;
  const playedMs = carrier === 'sipp-event' ? kSippLeadMs + keys.length * kSippKeyMs : durationMs(keys);
  const wait = isWaited ? `\n  <pause milliseconds="${playedMs}"/>` : '';
  const play = (action: string) => `  <nop><action><exec ${action}/></action></nop>${wait}`;
  switch (carrier) {
    case 'event':
      files.set(file, eventCapture(keys, files.size));
      return play(`play_pcap_audio="${file}"`);
    case 'sipp-event':
      return play(`play_dtmf="${keys}"`);
    case 'tone':
      files.set(file, encodedTones(keys, codec));
      return play(`rtp_stream="${file},1,${kPayloadTypes[codec]}"`);
    case 'info':
    case 'info-bare':
      return [...keys].map((key) => info(key, isWaited, phone)).join('\n');
  }
}

function info(key: string, isWaited: boolean, phone: Phone): string {
  const [type, body] =
    phone.carrier === 'info'
      ? ['application/dtmf-relay', [`Signal=${key}`, 'Duration=100']]
      : ['application/dtmf', [key]];
  const request = fill(read('info.part').trimEnd(), phone)
    .replace('{content-type}', type)
    .replace(/^( *)\{body\}$/m, (_, indent: string) => lines(indent, body));
  return isWaited
    ? `${request}\n  <pause milliseconds="${kInfoGapMs}"/>`
    : request.replace('response="200"', 'response="200" optional="true"');
}
