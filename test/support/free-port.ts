import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const kHost = '127.0.0.1';
/** Below what the system gives to sockets that ask for any port, and below the media ports of servers under test. */
const kLowest = 10_000;
const kBehindHighest = 20_000;
/** Given out by this process. It starts programs side by side, and none has taken its ports yet when the next one asks. */
const kGiven = new Set<number>();

/**
 * Ports of 127.0.0.1 for a program that must be told its port before it starts.
 * @param count - how many in a row.
 * @returns the lowest; all are free for TCP and UDP, and given once by this process. Nobody holds them: another process that asks gets the same
 *   with a chance of one in thousands.
 */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const first = randomInt(kLowest, kBehindHighest - count);
    const ports = Array.from({ length: count }, (_, offset) => first + offset);
    if (ports.some((port) => kGiven.has(port))) continue;
    for (const port of ports) kGiven.add(port);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((each) => each)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const tcp = createServer();
  const udp = createSocket('udp4');
  try {
    await Promise.all([once(tcp.listen(port, kHost), 'listening'), once(udp.bind(port, kHost), 'listening')]);
    return true;
  } catch {
    return false;
  } finally {
    udp.close();
    await new Promise((resolve) => tcp.close(resolve));
  }
}
