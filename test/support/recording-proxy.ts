import { request as ask, createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SelfSigned } from './self-signed.ts';

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RecordingProxy {
  readonly url: string;
  readonly port: number;
  /** Every request since the last call, in order. */
  take(): Recorded[];
  close(): Promise<void>;
}

/** Passes HTTP requests on and keeps what was in them. */
export async function startRecordingProxy(targetUrl: string, tls?: SelfSigned): Promise<RecordingProxy> {
  let recorded: Recorded[] = [];
  const onRequest: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    const body = Buffer.concat(chunks);
    recorded.push({ method, path, headers, body: body.toString('utf8') });
    const forward = ask(new URL(path, targetUrl), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    forward.end(body);
  };
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    take: () => recorded.splice(0),
    close: () =>
      new Promise((resolve) => {
        recorded = [];
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
