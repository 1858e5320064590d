import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { addressOf, type Carried, kServerCpu, pin, type Relay } from './media-relays.ts';

const kNgPort = 22_222;
const kTries = 100;
/** Hides a tone whole: rtpengine recognises one after about so long. */
export const kDelayMs = 60;

/** Plain forwarding, or tones detected and silenced in a delayed stream. */
export type ClampMode = 'plain' | 'silence';

/** @returns the program, or undefined where it is not installed. HUSHPAY_BENCH_RTPENGINE names another than the PATH's. */
export function rtpengineProgram(): string | undefined {
  const program = process.env['HUSHPAY_BENCH_RTPENGINE'] ?? 'rtpengine';
  return spawnSync(program, ['--version']).status === 0 ? program : undefined;
}

/** Calls of two legs in rtpengine, forwarded in user space by one thread, as the other relays do. */
export async function startRtpengine(options: Carried & { readonly mode: ClampMode }): Promise<Relay> {
  const { sessions, loadPort, mode } = options;
  const program = rtpengineProgram() ?? 'rtpengine';
  const child = spawn(program, argumentsOf(), { stdio: 'ignore' });
  const control = await NgClient.connect();
  pin(child.pid ?? 0, kServerCpu);
  const ports: number[] = [];
  for (let leg = 0; leg < 2 * sessions; leg += 2) ports.push(...(await call(control, leg, loadPort, mode)));
  return { pids: [child.pid ?? 0], ports, stop: () => stop(child, control) };
}

function argumentsOf(): string[] {
  return [
    '--config-file=none',
    '--table=-1',
    '--interface=127.0.0.1',
    `--listen-ng=127.0.0.1:${kNgPort}`,
    '--foreground',
    '--log-stderr',
    '--log-level=3',
    '--num-threads=1',
    '--port-min=41002',
    '--port-max=59998',
    '--timeout=3600',
    '--silent-timeout=3600',
    '--delete-delay=0',
    '--pidfile=/dev/null',
  ];
}

async function stop(child: ChildProcess, control: NgClient): Promise<void> {
  control.close();
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** @returns the ports the two legs send to. */
async function call(control: NgClient, leg: number, loadPort: number, mode: ClampMode): Promise<number[]> {
  const common = { 'call-id': `call-${leg}`, 'from-tag': `caller-${leg}`, ICE: 'remove' };
  const offer = await control.ask({ command: 'offer', ...common, sdp: sdpOf(leg, loadPort) });
  const answer = await control.ask({
    command: 'answer',
    ...common,
    'to-tag': `agent-${leg}`,
    sdp: sdpOf(leg + 1, loadPort),
  });
  if (mode === 'silence')
    await control.ask({
      command: 'block DTMF',
      'call-id': common['call-id'],
      'from-tag': common['from-tag'],
      'DTMF-security': 'silence',
      'delay-buffer': kDelayMs,
      flags: ['detect-DTMF'],
    });
  return [portOf(answer), portOf(offer)];
}

function sdpOf(leg: number, port: number): string {
  const address = addressOf(leg);
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    '',
  ].join('\r\n');
}

function portOf(reply: string): number {
  const port = /m=audio (\d+)/.exec(reply)?.[1];
  if (!port) throw new Error('rtpengine named no port');
  return Number(port);
}

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };

/** rtpengine's control protocol: a cookie and one bencoded dictionary each way, over UDP. */
class NgClient {
  readonly #socket: Socket;
  #cookie = 0;

  static async connect(): Promise<NgClient> {
    const client = new NgClient(createSocket('udp4'));
    for (let attempt = 0; ; attempt++) {
      try {
        await client.ask({ command: 'ping' });
        return client;
      } catch (error) {
        if (attempt >= kTries) throw error;
      }
    }
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {}); // not up yet
  }

  /** @returns the reply's text: SDP stands in it as it is. */
  async ask(command: Value): Promise<string> {
    const cookie = `c${++this.#cookie}`;
    this.#socket.send(`${cookie} ${bencode(command)}`, kNgPort, '127.0.0.1');
    const [reply] = (await once(this.#socket, 'message', { signal: AbortSignal.timeout(500) })) as [
      Uint8Array,
    ];
    const text = Buffer.from(reply).toString('latin1');
    if (!text.startsWith(`${cookie} `) || text.includes('error-reason'))
      throw new Error(`rtpengine said ${text}`);
    return text;
  }

  close(): void {
    this.#socket.close();
  }
}

function bencode(value: Value): string {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (Array.isArray(value)) return `l${value.map(bencode).join('')}e`;
  const entries = Object.entries(value as Readonly<Record<string, Value>>);
  return `d${entries.map(([key, each]) => bencode(key) + bencode(each)).join('')}e`;
}
