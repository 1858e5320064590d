import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

const kTries = 200;

/** Two UDP sockets on free ports: RTP on an even one, RTCP one above (RFC 3550 section 11). */
export async function openPortPair(
  address: string,
): Promise<{ readonly rtp: Socket; readonly rtcp: Socket }> {
  for (let attempt = 0; attempt < kTries; attempt++) {
    const port = 2 * randomInt(10_000, 32_000);
    const rtp = await bind(address, port);
    if (!rtp) continue;
    const rtcp = await bind(address, port + 1);
    if (rtcp) return { rtp, rtcp };
    rtp.close();
  }
  throw new Error(`no free port pair on ${address}`);
}

function bind(address: string, port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => {}); // a refused datagram is the peer's business
      resolve(socket);
    });
  });
}
