import type { CodecName, CodecOrder, MediaRemote } from '../ports/media.ts';
import type { MediaDescription } from './description.ts';

/** A codec as session descriptions name it. */
export interface CodecFacts {
  readonly name: CodecName;
  /** Of `a=rtpmap`; case says nothing. */
  readonly encoding: string;
  readonly clockRateHz: number;
  readonly channels: number;
  /** Static (RFC 3551 section 6), or what our offers give it. */
  readonly payloadType: number;
  /** Packets the worker can send, ascending. */
  readonly ptimesMs: readonly number[];
  /** Our `a=fmtp`. */
  readonly parameters?: string;
}

const kPtimesMs = [10, 20, 30, 40, 60];
// Inside the worker audio is 8000 Hz mono: a peer need not send more (RFC 7587 section 6.1).
const kOpusParameters = 'minptime=10;useinbandfec=1;maxplaybackrate=8000;sprop-maxcapturerate=8000';

// G.722 says 8000 and means 16000 (RFC 3551 section 4.5.2); Opus always says 48000/2 (RFC 7587 section 7).
export const kCodecs: readonly CodecFacts[] = [
  { name: 'PCMU', encoding: 'PCMU', clockRateHz: 8000, channels: 1, payloadType: 0, ptimesMs: kPtimesMs },
  { name: 'PCMA', encoding: 'PCMA', clockRateHz: 8000, channels: 1, payloadType: 8, ptimesMs: kPtimesMs },
  { name: 'G722', encoding: 'G722', clockRateHz: 8000, channels: 1, payloadType: 9, ptimesMs: kPtimesMs },
  {
    name: 'opus',
    encoding: 'opus',
    clockRateHz: 48_000,
    channels: 2,
    payloadType: 111,
    ptimesMs: [10, 20, 40, 60], // it has no frame of 30 ms
    parameters: kOpusParameters,
  },
  {
    name: 'L16/8000',
    encoding: 'L16',
    clockRateHz: 8000,
    channels: 1,
    payloadType: 112,
    ptimesMs: kPtimesMs,
  },
  {
    name: 'L16/16000',
    encoding: 'L16',
    clockRateHz: 16_000,
    channels: 1,
    payloadType: 113,
    ptimesMs: [10, 20, 30, 40],
  },
];

const kEventPayloadTypes: Readonly<Record<number, number>> = { 8000: 101, 16000: 102, 48000: 110 };
const kDynamic = { first: 96, last: 127 };
const kUsualPtimeMs = 20;

/** A codec and the number it goes by in one description. */
export interface Format {
  readonly codec: CodecFacts;
  readonly payloadType: number;
}

/** What both sides can speak: by the offerer's order of preference, or by ours. */
export function chooseFormat(
  section: MediaDescription,
  allowed: readonly CodecName[],
  order: CodecOrder,
): Format | undefined {
  const formats = section.formats.flatMap((format) => {
    const codec = codecOf(section, Number(format));
    return codec && allowed.includes(codec.name) ? [{ codec, payloadType: Number(format) }] : [];
  });
  if (order === 'peer') return formats[0];
  const rank = ({ codec }: Format): number => allowed.indexOf(codec.name);
  return formats.toSorted((one, other) => rank(one) - rank(other))[0];
}

function codecOf(section: MediaDescription, payloadType: number): CodecFacts | undefined {
  const map = section.rtpMaps.get(payloadType);
  return kCodecs.find(
    ({ encoding, clockRateHz, channels }) =>
      encoding.toUpperCase() === map?.encoding.toUpperCase() &&
      clockRateHz === map.clockRateHz &&
      channels === map.channels,
  );
}

/** Duration of the packets we send: what the peer likes best, or the next shorter one that it takes and the codec has. */
export function ptimeOf(section: MediaDescription, { codec, payloadType }: Format): number {
  const wishedMs = Math.min(section.ptimeMs ?? kUsualPtimeMs, section.maxPtimeMs ?? Number.POSITIVE_INFINITY);
  const minMs = codec.name === 'opus' ? numberIn(parametersOf(section, payloadType), 'minptime') : undefined;
  const mostMs = Math.max(wishedMs, minMs ?? 0);
  return codec.ptimesMs.findLast((ptimeMs) => ptimeMs <= mostMs) ?? codec.ptimesMs[0] ?? kUsualPtimeMs;
}

/** What the peer wants of the Opus it gets (RFC 7587 section 6.1). */
export function opusWishes(
  section: MediaDescription,
  { codec, payloadType }: Format,
): Pick<MediaRemote, 'opus'> {
  if (codec.name !== 'opus') return {};
  const parameters = parametersOf(section, payloadType);
  return {
    opus: {
      maxBitrate: numberIn(parameters, 'maxaveragebitrate') ?? null,
      fec: parameters.get('useinbandfec') === '1',
      constantBitrate: parameters.get('cbr') === '1',
    },
  };
}

/** What our own offer lists. A payload type that means something already keeps its meaning (RFC 3264 section 8.3.2). */
export interface OfferedFormats {
  readonly formats: readonly Format[];
  /** Payload types of telephone-event by clock rate, one for each clock of the codecs (RFC 4733 section 2.1). */
  readonly events: ReadonlyMap<number, number>;
}

/** @param agreed - what holds already, for an offer within a call. */
export function formatsToOffer(allowed: readonly CodecName[], agreed?: MediaRemote): OfferedFormats {
  const taken = new Set(agreed ? typesOf(agreed) : []);
  const formats = allowed
    .flatMap((name) => kCodecs.filter((codec) => codec.name === name))
    .map((codec) => {
      if (codec.name === agreed?.codec) return { codec, payloadType: agreed.payloadType };
      return { codec, payloadType: claim(codec.payloadType, taken) };
    });
  const events = new Map<number, number>();
  for (const { codec } of formats) {
    const { clockRateHz } = codec;
    if (events.has(clockRateHz)) continue;
    const isAgreed = agreed?.eventPayloadType != null && (agreed.eventClockHz ?? 8000) === clockRateHz;
    const payloadType = isAgreed
      ? (agreed?.eventPayloadType ?? 0)
      : claim(kEventPayloadTypes[clockRateHz] ?? kDynamic.first, taken);
    events.set(clockRateHz, payloadType);
  }
  return { formats, events };
}

function typesOf(agreed: MediaRemote): number[] {
  const { payloadType, eventPayloadType, noisePayloadType, redundantPayloadType } = agreed;
  return [payloadType, eventPayloadType, noisePayloadType, redundantPayloadType].filter(
    (type) => type != null,
  );
}

/** The number itself, or a dynamic one that is free. */
function claim(payloadType: number, taken: Set<number>): number {
  let free = payloadType;
  if (taken.has(free)) {
    free = kDynamic.first;
    while (taken.has(free) && free < kDynamic.last) free++;
  }
  taken.add(free);
  return free;
}

/** `a=fmtp:111 minptime=10;useinbandfec=1` -> its parameters. */
function parametersOf(section: MediaDescription, payloadType: number): ReadonlyMap<string, string> {
  const text = section.parameters.get(payloadType) ?? '';
  return new Map(
    text.split(';').flatMap((each): [string, string][] => {
      const [, name, value] = /^\s*([\w-]+)\s*=\s*(\S+)\s*$/.exec(each) ?? [];
      return name && value ? [[name.toLowerCase(), value]] : [];
    }),
  );
}

function numberIn(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name) ?? '';
  return /^\d{1,7}$/.test(text) ? Number(text) : undefined;
}
