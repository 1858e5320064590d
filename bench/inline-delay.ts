import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import type { PaymentRoom } from '../src/call/payment-room.ts';
import type { Role } from '../src/ports/payment-sessions.ts';
import { percentile, rounded } from './figures.ts';

const kMarks = 50;
const kPacketsPerMark = 10;
const kSettlePackets = 100; // until the straight way is taken
const kPtimeMs = 20;
const kPayloadBytes = 160;
const kHeaderBytes = 12;
const kLoudest = 0x10; // of mu-law: the smaller, the louder
const kLoudBelow = 0x28;
const kQuietest = 0x78;

/** Milliseconds from a loud packet's sending to the first loud one that arrives, over all marks. */
export interface Delay {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly lost: number;
}

/** The same between two sockets, without anybody between them: what of the figure is this machine's. */
export async function measureLoopback(): Promise<Delay> {
  const [from, to] = [await open(), await open()];
  const delay = await measure(from, to, to.address().port);
  from.close();
  to.close();
  return delay;
}

/** What a room adds between two who talk, outside secure mode: to the first sound of each mark. */
export async function measureInlineDelay(room: PaymentRoom): Promise<Delay> {
  const [customer, agent] = [await open(), await open()];
  const port = await join(room, 'customer', customer);
  await join(room, 'agent', agent);
  const delay = await measure(customer, agent, port);
  customer.close();
  agent.close();
  return delay;
}

async function open(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function join(room: PaymentRoom, role: Role, socket: Socket): Promise<number> {
  const session = await room.openMedia();
  const { port } = socket.address();
  const codec = { codec: 'PCMU', payloadType: 0, eventPayloadType: null, ptimeMs: kPtimeMs } as const;
  await session.connect({
    address: '127.0.0.1',
    port,
    rtcpPort: port + 1,
    ...codec,
    sending: true,
    receiving: true,
  });
  await room.join({ role, media: session });
  return session.port;
}

async function measure(from: Socket, to: Socket, port: number): Promise<Delay> {
  let sentMs: number | undefined;
  const delays: number[] = [];
  to.on('message', (packet) => {
    if (sentMs === undefined || !isLoud(packet)) return;
    delays.push(performance.now() - sentMs);
    sentMs = undefined;
  });
  const startedMs = performance.now();
  for (let n = 0; n < kSettlePackets + kMarks * kPacketsPerMark; n++) {
    await later(Math.max(0, startedMs + n * kPtimeMs - performance.now()));
    const isMark = n >= kSettlePackets && n % kPacketsPerMark === 0;
    const packet = packetOf(n, isMark);
    if (isMark) sentMs = performance.now();
    from.send(packet, port, '127.0.0.1');
  }
  await later(kPacketsPerMark * kPtimeMs);
  const sorted = delays.toSorted((one, other) => one - other);
  const [p50, p95, max] = [percentile(sorted, 0.5), percentile(sorted, 0.95), sorted.at(-1) ?? Number.NaN];
  return { p50: rounded(p50), p95: rounded(p95), max: rounded(max), lost: kMarks - delays.length };
}

/** RTP of a quiet line, or of a loud one; up and down alike, because an offset would be taken out. */
function packetOf(n: number, isLoudOne: boolean): Buffer {
  const packet = Buffer.alloc(kHeaderBytes + kPayloadBytes);
  packet.writeUInt16BE(0x8000, 0);
  packet.writeUInt16BE(n & 0xffff, 2);
  packet.writeUInt32BE(n * kPayloadBytes, 4);
  packet.writeUInt32BE(0x5eed, 8);
  for (let at = 0; at < kPayloadBytes; at++)
    packet[kHeaderBytes + at] = (isLoudOne ? kLoudest : kQuietest) ^ (at % 2 === 0 ? 0x80 : 0);
  return packet;
}

function isLoud(packet: Buffer): boolean {
  return packet.subarray(kHeaderBytes).some((byte) => (byte & 0x7f) < kLoudBelow);
}
