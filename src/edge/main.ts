// The sip edge process. Control starts it and speaks with it over file descriptor 3 (protocol.ts); it ends with that socket.
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { keepMemoryLevel } from '../process/level-memory.ts';
import { kSystemClock } from '../process/system-clock.ts';
import { EdgeServer, ListenError } from './edge-server.ts';
import { type EdgeReply, type EdgeTls, kEdgeConfigSchema, kEdgeRequestLine } from './protocol.ts';

const kChannelFd = 3;
const kStatsMs = 2_000;
const kExitConfig = 78;

const channel = new Socket({ fd: kChannelFd, readable: true, writable: true });
let server: EdgeServer | undefined;
let ending = false;

function write(reply: EdgeReply): void {
  if (channel.writable) channel.write(`${JSON.stringify(reply)}\n`);
}

function log(level: 'info' | 'warn' | 'error', msg: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ level, msg, ...fields })}\n`);
}

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await server?.close();
  channel.destroy();
  process.exit(code);
}

async function start(line: string): Promise<void> {
  const config = kEdgeConfigSchema.parse(JSON.parse(line));
  server = await EdgeServer.open(config, kSystemClock, log, (callKept, call) => write({ callKept, call }));
  const { appPort, listen } = server;
  write({ ready: { appPort, listen: [...listen] } });
  log('info', 'sip edge is listening', { appPort, listen });
  keepMemoryLevel(kSystemClock);
  setInterval(() => server && write({ stats: server.stats() }), kStatsMs);
}

/** The old certificates go on when the new ones cannot be used. */
function reload(tls: EdgeTls): void {
  try {
    server?.reloadTls(tls);
    log('info', 'certificates replaced');
  } catch (error) {
    log('error', 'certificates not replaced', { error: error instanceof Error ? error.message : '' });
  }
}

/** What is not understood is passed over. */
function answer(line: string): void {
  const asked = kEdgeRequestLine.safeParse(line);
  if (!asked.success || !server) return;
  if ('tls' in asked.data) {
    reload(asked.data.tls);
    return;
  }
  if ('credentials' in asked.data) {
    server.replaceCredentials(asked.data.credentials);
    log('info', 'credentials replaced');
    return;
  }
  const { ladder } = asked.data;
  write({ ladderOf: ladder, ladder: server.ladder(ladder) ?? null });
}

function fail(error: unknown): void {
  const failed =
    error instanceof ListenError
      ? error.failure
      : {
          code: 'CONFIG',
          transport: '',
          host: '',
          port: 0,
          message: error instanceof Error ? error.message : '',
        };
  log('error', 'sip edge cannot start', {
    code: failed.code,
    transport: failed.transport,
    port: failed.port,
  });
  channel.end(`${JSON.stringify({ failed })}\n`, () => void end(kExitConfig));
}

process.on('SIGTERM', () => void end(0));
process.on('uncaughtException', (error) => {
  log('error', 'sip edge failed', {
    error: error.name,
    where: error.stack?.split('\n').slice(1, 4).join(' <'),
  });
  process.exit(1);
});
channel.on('error', () => void end(0));
channel.on('close', () => void end(0));
const lines = createInterface({ input: channel });
lines.on('error', () => void end(0));
lines.once('line', (first) => {
  lines.on('line', answer);
  void start(first).catch(fail);
});
