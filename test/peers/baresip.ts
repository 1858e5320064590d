import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpeechDetector } from '../../src/phone/speech.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { freePort } from '../support/free-port.ts';
import { wavFile } from '../support/media-fixture.ts';
import { until } from '../support/payment-lab.ts';

export const kModules = '/usr/lib/baresip/modules';
const kKeyEveryMs = 250; // longer than it holds a key
const kPatienceMs = 60_000;
const kAskAgainMs = 50;
const kWavHeaderBytes = 44;

/** What baresip tells of a call over its control socket. */
interface CallEvent {
  readonly type: string;
  /** Call-ID. */
  readonly id: string;
}

/**
 * A softphone: baresip with a microphone that plays a file. Made with startBaresip(), ended with stop().
 */
export class Baresip {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #control: Socket;
  readonly #console: Socket;
  readonly #events: CallEvent[] = [];

  /** Of the recording, for one of 8000 Hz. */
  readonly #samplesEach: number;

  constructor(
    child: ChildProcess,
    folder: string,
    control: Socket,
    console: Socket,
    { rateHz, channels }: BaresipCodec,
  ) {
    this.#samplesEach = (rateHz * channels) / 8000;
    this.#child = child;
    this.#folder = folder;
    this.#control = control;
    this.#console = console;
    let text = '';
    control.setEncoding('utf8').on('data', (chunk: string) => {
      text = this.#read(text + chunk);
    });
    console.resume();
  }

  /** Places a call, whatever becomes of it. */
  ring(uri: string): void {
    const command = JSON.stringify({ command: 'dial', params: uri });
    this.#control.write(`${command.length}:${command},`);
  }

  /** @returns the Call-ID once the call is up. */
  async dial(uri: string): Promise<string> {
    this.ring(uri);
    return (await this.#event('CALL_ESTABLISHED')).id;
  }

  /** Presses keys one after the other; baresip sends them as telephone-events beside its audio. */
  async press(keys: string): Promise<void> {
    for (const key of keys) {
      this.#console.write(key);
      await pause(kKeyEveryMs);
    }
  }

  /** Hangs up. */
  hangUp(): void {
    const command = JSON.stringify({ command: 'hangup' });
    this.#control.write(`${command.length}:${command},`);
  }

  /** Asks the far end to call somebody else instead (REFER). */
  transfer(uri: string): void {
    const command = JSON.stringify({ command: 'transfer', params: uri });
    this.#control.write(`${command.length}:${command},`);
  }

  /** A call is up that somebody else placed. @returns its Call-ID. */
  async answered(): Promise<string> {
    return (await this.#event('CALL_ESTABLISHED')).id;
  }

  /** What it has heard so far, if it was told to record: linear at the rate of its codec. */
  heard(): Int16Array {
    const file = readdirSync(this.#folder).find((each) => /^dump-.*-dec\.wav$/.test(each));
    if (file === undefined) throw new Error('baresip has recorded nothing');
    const wav = readFileSync(join(this.#folder, file));
    const samples = wav.subarray(kWavHeaderBytes, wav.length - ((wav.length - kWavHeaderBytes) % 2));
    return new Int16Array(Uint8Array.from(samples).buffer);
  }

  /** Listens from now on until a prompt has begun, or been said to its end, as a person would; needs `records`. */
  async hear(what: 'begun' | 'ended'): Promise<void> {
    const speech = new SpeechDetector(kSystemClock);
    let at = this.heard().length;
    await until(() => {
      const heard = this.heard();
      speech.hear(heard.subarray(at).filter((_, n) => n % this.#samplesEach === 0));
      at = heard.length;
      return what === 'begun' ? speech.hasBegun : speech.hasEnded;
    }, `a prompt that has ${what}`);
  }

  /** Resolves when the call is over. */
  async closed(): Promise<void> {
    await this.#event('CALL_CLOSED');
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill();
    await ended;
    this.#control.destroy();
    this.#console.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  /** Netstrings: `12:…,`. @returns what is not whole yet. */
  #read(text: string): string {
    for (;;) {
      const [head = '', length = ''] = /^(\d+):/.exec(text) ?? [];
      const end = head.length + Number(length);
      if (head === '' || text.length <= end) return text;
      this.#events.push(JSON.parse(text.slice(head.length, end)) as CallEvent);
      text = text.slice(end + 1);
    }
  }

  async #event(type: string): Promise<CallEvent> {
    const giveUpAtMs = Date.now() + kPatienceMs;
    for (;;) {
      const event = this.#events.find((each) => each.type === type);
      if (event) return event;
      if (Date.now() > giveUpAtMs) throw new Error(`baresip told of no ${type}`);
      await pause(kAskAgainMs);
    }
  }
}

/** A codec as baresip names it in `audio_codecs`, and the module that has it. */
export interface BaresipCodec {
  readonly name: string;
  readonly module: string;
  /** What it samples. */
  readonly rateHz: number;
  readonly channels: number;
}

/** How baresip protects its audio: SDES where it may and where it must, DTLS-SRTP. */
export type BaresipEncryption = 'srtp' | 'srtp-mand' | 'dtls_srtp';

export interface BaresipOptions {
  /** The only one it offers; sox makes the microphone speak at its rate, because baresip's own resampler bends tones. */
  readonly codec?: BaresipCodec | undefined;
  /** Left out: plain RTP. */
  readonly encryption?: BaresipEncryption | undefined;
  /** Keeps what it hears, for {@link Baresip.heard}. */
  readonly records?: boolean;
  /** Answers calls to this port of 127.0.0.1 at once; left out: takes none. */
  readonly answersAt?: number;
}

const kPcmu: BaresipCodec = { name: 'PCMU/8000/1', module: 'g711', rateHz: 8000, channels: 1 };

/** @param microphone - what it says, linear at 8000 Hz; the call needs it to its end. */
export async function startBaresip(
  microphone: Int16Array,
  { codec = kPcmu, encryption, records = false, answersAt }: BaresipOptions = {},
): Promise<Baresip> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-baresip-'));
  const [controlPort, consolePort] = [await freePort(), await freePort()];
  mkdirSync(folder, { recursive: true });
  writeMicrophone(folder, microphone, codec);
  const mediaenc = encryption === undefined ? '' : `;mediaenc=${encryption}`;
  const answermode = answersAt === undefined ? '' : ';answermode=auto';
  const account = `<sip:caller@127.0.0.1>;regint=0;audio_codecs=${codec.name}${mediaenc}${answermode}\n`;
  writeFileSync(join(folder, 'accounts'), account);
  writeFileSync(join(folder, 'contacts'), '');
  writeFileSync(
    join(folder, 'config'),
    configOf(folder, codec, controlPort, consolePort, answersAt ?? 0, records),
  );
  const child = spawn('baresip', ['-f', folder, '-4'], { stdio: 'ignore' });
  const [control, console] = await Promise.all([connected(controlPort), connected(consolePort)]);
  return new Baresip(child, folder, control, console, codec);
}

function writeMicrophone(folder: string, microphone: Int16Array, { rateHz, channels }: BaresipCodec): void {
  const file = join(folder, 'microphone.wav');
  writeFileSync(file, wavFile(microphone)); // minutes of it, while a bank in this process is to answer
  if (rateHz === 8000 && channels === 1) return;
  const wide = join(folder, 'wide.wav');
  const { status } = spawnSync('sox', [file, '-r', String(rateHz), '-c', String(channels), wide]);
  if (status !== 0) throw new Error('sox cannot resample');
  renameSync(wide, file);
}

function configOf(
  folder: string,
  codec: BaresipCodec,
  controlPort: number,
  consolePort: number,
  sipPort: number,
  records: boolean,
): string {
  const recorder = records ? `snd_path ${folder}\nmodule sndfile.so\n` : '';
  return `net_interface 127.0.0.1
sip_listen 127.0.0.1:${sipPort}
ausrc_srate ${codec.rateHz}
ausrc_channels ${codec.channels}
audio_source aufile,${join(folder, 'microphone.wav')}
module_path ${kModules}
module ${codec.module}.so
module aufile.so
module srtp.so
module dtls_srtp.so
${recorder}module ctrl_tcp.so
module cons.so
module_tmp account.so
module_app menu.so
ctrl_tcp_listen 127.0.0.1:${controlPort}
cons_listen 127.0.0.1:${consolePort}
`;
}

/** Tries until baresip listens. */
async function connected(port: number): Promise<Socket> {
  const giveUpAtMs = Date.now() + kPatienceMs;
  for (;;) {
    const socket = createConnection(port, '127.0.0.1');
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    if (isUp) return socket;
    if (Date.now() > giveUpAtMs) throw new Error('baresip does not listen');
    await pause(kAskAgainMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
