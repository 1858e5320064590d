import { randomInt } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import type { Key, SrtpSuite } from '../ports/media.ts';
import { decodeG711, encodeG711, type G711 } from './g711.ts';
import { openPortPair } from './port-pair.ts';
import { decodeRtp, encodeRtp, eventPayload, type RtpPacket } from './rtp-packet.ts';
import { PhoneSrtp } from './srtp.ts';
import { dtmfTone, type ToneShape } from './tones.ts';

const kSamplesPerMs = 8;
const kEventEnds = 3; // RFC 4733 section 2.5.1.4

export interface RtpPhoneOptions {
  readonly address?: string;
  readonly codec?: G711;
  /** Of telephone-event; null sends none. */
  readonly eventPayloadType?: number | null;
  readonly ptimeMs?: number;
  /** First values of what this phone sends, for wrap-around tests. */
  readonly firstSequence?: number;
  readonly firstTimestamp?: number;
  readonly ssrc?: number;
}

/** Keys of a phone's SRTP; `send` is its own. RTCP stays as it is. */
export interface PhoneKeys {
  readonly suite: SrtpSuite;
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

export interface EventShape {
  readonly durationMs?: number;
  /** How many end packets get through; fewer than three stand for loss. */
  readonly ends?: number;
  /** The key's tone goes out as audio packets at the same time, as from a gateway that leaks it. */
  readonly withTone?: boolean;
}

/** What one pacing slot sends: bytes of audio or one report of an event. */
type Slot =
  | { readonly kind: 'audio'; readonly pcm: Int16Array }
  | {
      readonly kind: 'event';
      readonly key: Key;
      readonly first: boolean;
      readonly end: boolean;
      readonly durationTs: number;
      readonly pcm: Int16Array | undefined;
    };

/**
 * Ports of the phones of this process. A phone that has not heard yet that its call is over sends on, and the port it sends to may be another phone's by
 * then.
 */
const kPhonePorts = new Set<number>();

/**
 * A telephone's RTP and RTCP on two free ports. Once started it sends a packet every ptime on an absolute schedule, silence when
 * nothing is queued, and keeps what it receives until it is closed. A second close does nothing.
 */
export class RtpPhone {
  readonly address: string;
  readonly codec: G711;
  readonly payloadType: number;
  readonly eventPayloadType: number | null;
  readonly ptimeMs: number;
  readonly ssrc: number;
  /** Packets received, in order of arrival. */
  readonly packets: RtpPacket[] = [];
  /** RTCP datagrams received, in order of arrival. */
  readonly reports: Uint8Array[] = [];
  /** Sees every packet about to be sent; false drops it (loss on the way). */
  filter: (packet: RtpPacket) => boolean = () => true;
  /** Hears the payload of every audio packet, in order of arrival. */
  onAudio: (payload: Uint8Array) => void = () => {};
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  readonly #slots: Slot[] = [];
  readonly #waiting: { readonly slot: Slot; readonly resolve: () => void }[] = [];
  #remote: { readonly address: string; readonly port: number; readonly rtcpPort: number } | undefined;
  #sequence: number;
  #timestamp: number;
  #eventTimestamp = 0;
  #talking = false;
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #ticks = 0;
  #sent = 0;
  #closed = false;
  #srtp: { readonly send: PhoneSrtp; readonly receive: PhoneSrtp } | undefined;
  /** Datagrams that were not made with the far end's key. */
  unreadable = 0;
  /** Datagrams of other phones, which were meant for who had this port before. */
  astray = 0;

  /** @returns a phone whose ports are free ones: RTP even, RTCP one above. */
  static async open(options: RtpPhoneOptions = {}): Promise<RtpPhone> {
    const address = options.address ?? '127.0.0.1';
    const { rtp, rtcp } = await openPortPair(address);
    return new RtpPhone(address, rtp, rtcp, options);
  }

  private constructor(address: string, rtp: Socket, rtcp: Socket, options: RtpPhoneOptions) {
    this.address = address;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.codec = options.codec ?? 'PCMU';
    this.payloadType = this.codec === 'PCMU' ? 0 : 8;
    this.eventPayloadType = options.eventPayloadType === undefined ? 101 : options.eventPayloadType;
    this.ptimeMs = options.ptimeMs ?? 20;
    this.ssrc = options.ssrc ?? randomInt(2 ** 32);
    this.#sequence = options.firstSequence ?? randomInt(2 ** 16);
    this.#timestamp = options.firstTimestamp ?? randomInt(2 ** 32);
    kPhonePorts.add(rtp.address().port);
    rtp.on('message', (data, from) => this.#onRtp(data, from));
    rtcp.on('message', (data) => this.reports.push(data));
  }

  get port(): number {
    return this.#rtp.address().port;
  }

  get rtcpPort(): number {
    return this.#rtcp.address().port;
  }

  get packetsSent(): number {
    return this.#sent;
  }

  /** Says where to send; the far end's answer. Sending begins with {@link start}. */
  connect(remote: { readonly address: string; readonly port: number; readonly rtcpPort?: number }): void {
    this.#remote = { ...remote, rtcpPort: remote.rtcpPort ?? remote.port + 1 };
  }

  /** Encrypts what is sent from now on, and takes nothing else. */
  secure({ suite, send, receive }: PhoneKeys): void {
    this.#srtp = { send: new PhoneSrtp(suite, send), receive: new PhoneSrtp(suite, receive) };
  }

  start(): void {
    if (this.#timer) return;
    this.#startedMs = performance.now();
    this.#ticks = 0;
    this.#talking = false;
    this.#timer = setTimeout(() => this.#tick(), 0);
  }

  /** Stops sending; what is queued stays queued. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    kPhonePorts.delete(this.port);
    this.stop();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    this.#rtp.close();
    this.#rtcp.close();
  }

  /** Queues audio; resolves when its last packet has been sent. The last packet is filled up with silence. */
  say(pcm: Int16Array): Promise<void> {
    this.#catchUp(); // what is said now has no place in time that has gone by, however late our timer is
    const size = this.ptimeMs * kSamplesPerMs;
    for (let start = 0; start < pcm.length; start += size) {
      const frame = new Int16Array(size);
      frame.set(pcm.subarray(start, start + size));
      this.#slots.push({ kind: 'audio', pcm: frame });
    }
    return this.#sentAll();
  }

  silence(durationMs: number): Promise<void> {
    return this.say(new Int16Array(durationMs * kSamplesPerMs));
  }

  /** Queues a key press as an in-band tone. */
  pressTone(key: Key, shape: ToneShape = {}): Promise<void> {
    return this.say(dtmfTone(key, shape));
  }

  /** Queues a key press as telephone-events (RFC 4733), updated every ptime. */
  pressEvent(
    key: Key,
    { durationMs = 100, ends = kEventEnds, withTone = false }: EventShape = {},
  ): Promise<void> {
    this.#catchUp();
    const step = this.ptimeMs * kSamplesPerMs;
    const updates = Math.max(1, Math.ceil(durationMs / this.ptimeMs));
    const tone = withTone ? dtmfTone(key, { durationMs: updates * this.ptimeMs }) : undefined;
    for (let update = 0; update < updates; update++) {
      const pcm = tone?.subarray(update * step, (update + 1) * step);
      this.#slots.push({
        kind: 'event',
        key,
        first: update === 0,
        end: false,
        durationTs: (update + 1) * step,
        pcm,
      });
    }
    for (let end = 0; end < ends; end++) {
      this.#slots.push({
        kind: 'event',
        key,
        first: false,
        end: true,
        durationTs: updates * step,
        pcm: undefined,
      });
    }
    return this.#sentAll();
  }

  /** Presses several keys as a person does: `pressMs` down, `pauseMs` up. */
  async dial(keys: readonly Key[], by: 'event' | 'tone', pressMs = 100, pauseMs = 100): Promise<void> {
    for (const key of keys) {
      if (by === 'event') this.pressEvent(key, { durationMs: pressMs });
      else this.pressTone(key, { durationMs: pressMs });
      this.silence(pauseMs);
    }
    await this.#sentAll();
  }

  /** Sends one packet now, out of schedule; fields left out continue this phone's stream. */
  sendPacket(packet: Partial<Omit<RtpPacket, 'atMs'>>): void {
    const sequence = packet.sequence ?? this.#sequence;
    if (packet.sequence === undefined) this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#send({
      payloadType: packet.payloadType ?? this.payloadType,
      marker: packet.marker ?? false,
      sequence,
      timestamp: packet.timestamp ?? this.#timestamp,
      ssrc: packet.ssrc ?? this.ssrc,
      payload: packet.payload ?? new Uint8Array(0),
      atMs: 0,
    });
  }

  /** Sends bytes from the RTP port as they are. */
  sendRaw(datagram: Uint8Array): void {
    if (this.#remote && !this.#closed) this.#rtp.send(datagram, this.#remote.port, this.#remote.address);
  }

  /** Sends bytes from the RTCP port as they are. */
  sendRtcp(datagram: Uint8Array): void {
    if (this.#remote && !this.#closed) this.#rtcp.send(datagram, this.#remote.rtcpPort, this.#remote.address);
  }

  /** Audio received, laid out by RTP timestamp from the first packet on; what did not arrive is zero. */
  received(): Int16Array {
    const audio = this.packets.filter((packet) => packet.payloadType === this.payloadType);
    const first = audio[0];
    if (!first) return new Int16Array(0);
    const placed = audio
      .map((packet) => ({ at: (packet.timestamp - first.timestamp) | 0, packet }))
      .filter(({ at }) => at >= 0);
    const length = Math.max(...placed.map(({ at, packet }) => at + packet.payload.length));
    const pcm = new Int16Array(length);
    for (const { at, packet } of placed) pcm.set(decodeG711(this.codec, packet.payload), at);
    return pcm;
  }

  /** Resolves as soon as the condition holds; it is looked at whenever something arrives and every 10 ms. */
  async until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`waited ${limitMs} ms in vain for ${condition}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #sentAll(): Promise<void> {
    const slot = this.#slots.at(-1);
    if (!slot || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ slot, resolve }));
  }

  /** Sends what is due. */
  #catchUp(): void {
    if (!this.#timer) return;
    const nowMs = performance.now();
    while (this.#startedMs + this.#ticks * this.ptimeMs <= nowMs) {
      this.#ticks++;
      this.#sendSlot();
    }
  }

  #tick(): void {
    this.#catchUp();
    const dueMs = this.#startedMs + this.#ticks * this.ptimeMs;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, dueMs - performance.now()));
  }

  #sendSlot(): void {
    const slot = this.#slots.shift();
    const frame = this.ptimeMs * kSamplesPerMs;
    if (slot?.kind === 'event') {
      this.#sendEvent(slot);
      if (slot.pcm) this.#sendAudio(slot.pcm);
    } else {
      this.#sendAudio(slot?.pcm ?? new Int16Array(frame));
    }
    this.#timestamp = (this.#timestamp + frame) >>> 0;
    while (slot && this.#waiting[0]?.slot === slot) this.#waiting.shift()?.resolve();
  }

  #sendAudio(pcm: Int16Array): void {
    const payload = encodeG711(this.codec, pcm);
    this.sendPacket({ payload, marker: !this.#talking });
    this.#talking = true;
  }

  #sendEvent(slot: Extract<Slot, { kind: 'event' }>): void {
    if (this.eventPayloadType === null) return;
    if (slot.first) this.#eventTimestamp = this.#timestamp;
    this.sendPacket({
      payloadType: this.eventPayloadType,
      marker: slot.first,
      timestamp: this.#eventTimestamp,
      payload: eventPayload(slot.key, slot.end, slot.durationTs),
    });
  }

  #send(packet: RtpPacket): void {
    if (!this.filter(packet)) return;
    this.#sent++;
    const datagram = encodeRtp(packet);
    this.sendRaw(this.#srtp ? this.#srtp.send.protect(datagram) : datagram);
  }

  #onRtp(data: Uint8Array, { port: fromPort }: RemoteInfo): void {
    if (fromPort !== this.#remote?.port && kPhonePorts.has(fromPort)) {
      this.astray++;
      return;
    }
    const plain = this.#srtp ? this.#srtp.receive.unprotect(data) : data;
    if (!plain) this.unreadable++;
    const packet = plain && decodeRtp(plain, performance.now());
    if (!packet) return;
    this.packets.push(packet);
    if (packet.payloadType === this.payloadType) this.onAudio(packet.payload);
  }
}
