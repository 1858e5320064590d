import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { kDefaultLimits } from '../../../../src/edge/limits.ts';
import type { StreamNeeds } from '../../../../src/edge/transport/connection-listener.ts';
import type { Flow } from '../../../../src/edge/transport/flow.ts';
import { kPing } from '../../../../src/edge/transport/keep-alive.ts';
import { type StreamKind, StreamListener } from '../../../../src/edge/transport/stream-listener.ts';
import { WebSocketListener } from '../../../../src/edge/transport/web-socket.ts';
import { sourceKey } from '../../../../src/edge/trust/source-key.ts';

const kLocal = { host: '192.0.2.10', port: 5060 };
const kServer = { close: async () => {} };
/** A keep-alive is answered when something else follows it. */
const kOther = 'A\r\nl:0\r\n\r\n';

/** A connection in the test's hands, whose peer reads nothing. */
class DeafSocket extends Socket {
  constructor(host = '192.0.2.1') {
    super();
    Object.defineProperty(this, 'remoteAddress', { value: host });
  }

  override _write(): void {}

  says(text: string): void {
    this.emit('data', Buffer.from(text, 'latin1'));
  }
}

interface Opened {
  readonly listener: StreamListener;
  readonly drops: string[];
  readonly dialled: DeafSocket;
  connect(host?: string): DeafSocket;
}

function needsOf(drops: string[], over: Partial<StreamNeeds>): StreamNeeds {
  return {
    receive: () => {},
    accepts: () => true,
    knows: () => false,
    dropped: (reason) => drops.push(reason),
    limits: kDefaultLimits,
    ...over,
  };
}

function open(over: Partial<StreamNeeds> = {}): Opened {
  const drops: string[] = [];
  const dialled = new DeafSocket('203.0.113.7');
  const kind: StreamKind = {
    transport: 'tcp',
    readyEvent: 'connect',
    dial: () => dialled,
    identity: () => undefined,
  };
  const listener = new StreamListener(kind, kServer, kLocal, needsOf(drops, over));
  const connect = (host?: string): DeafSocket => {
    const socket = new DeafSocket(host);
    listener.accept(socket);
    return socket;
  };
  return { listener, drops, dialled, connect };
}

describe('a peer that asks for pongs and reads none', () => {
  it('is cut off when 64 KiB wait for it', () => {
    const { drops, connect } = open();
    const socket = connect();
    for (let ping = 0; ping <= 32_768; ping++) socket.says(kPing + kOther);
    expect([socket.destroyed, socket.writableLength]).toEqual([false, 65_538]);
    socket.says(kPing + kOther);
    expect(socket.destroyed).toBe(true);
    expect(drops).toEqual(['peer-does-not-read']);
  });

  it('is cut off over WebSocket too', async () => {
    const drops: string[] = [];
    const policy = { path: '/', origins: [] };
    const listener = new WebSocketListener('ws', kServer, kLocal, needsOf(drops, {}), policy);
    const socket = new DeafSocket();
    const request = new IncomingMessage(socket);
    Object.assign(request, { method: 'GET', url: '/' });
    Object.assign(request.headers, {
      upgrade: 'websocket',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'sip',
    });
    listener.upgrade(request, socket, Buffer.alloc(0));
    const ping = `\x81\x84\0\0\0\0${kPing}`;
    for (let pings = 0; pings < 200; pings++) socket.says(ping.repeat(100));
    await expect.poll(() => socket.destroyed).toBe(true);
    expect(drops).toContain('peer-does-not-read');
    expect(socket.writableLength).toBeLessThan(70_000);
  });
});

describe('a source that is banned', () => {
  it('loses its connections, whichever port they come from; others keep theirs', () => {
    const { listener, connect } = open();
    const [first, second, other] = [connect('192.0.2.1'), connect('192.0.2.1'), connect('192.0.2.2')];
    listener.cutOff(sourceKey('192.0.2.1'));
    expect([first.destroyed, second.destroyed, other.destroyed]).toEqual([true, true, false]);
  });

  it('keeps those of a trunk by certificate, and ours to it', () => {
    const { listener, connect, dialled } = open({ knows: () => true });
    const socket = connect('203.0.113.7');
    const remote = { host: '203.0.113.7', port: 5060 };
    const flow: Flow = { transport: 'tcp', remote, local: kLocal };
    listener.send(flow, 'x', () => {});
    listener.cutOff(sourceKey('203.0.113.7'));
    expect([socket.destroyed, dialled.destroyed]).toEqual([false, false]);
  });
});

describe('a connection of a stranger', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const few = {
    ...kDefaultLimits,
    tcpConnections: 8,
    strangerConnections: 4,
    strangerConnectionsPerSource: 2,
  };
  const ends = (sockets: readonly DeafSocket[]): boolean[] => sockets.map(({ destroyed }) => destroyed);

  it('is one of 16 of its source and of half of all', () => {
    const { strangerConnections, strangerConnectionsPerSource, strangerMs } = kDefaultLimits;
    expect(strangerConnections).toBe(kDefaultLimits.tcpConnections / 2);
    expect([strangerConnectionsPerSource, strangerMs]).toEqual([16, 30_000]);
  });

  it('takes no place of a trunk, nor of more than so many other strangers', () => {
    const { drops, connect } = open({ limits: few, knows: ({ remote }) => remote.host === '192.0.2.1' });
    const sockets = ['a', 'a', 'a', 'b', 'b', 'c'].map((name) => connect(`2001:db8:0:${name}::1`));
    expect(ends(sockets)).toEqual([false, false, true, false, false, true]);
    expect(drops).toEqual(['too-many-strangers', 'too-many-strangers']);
    expect(ends([1, 2, 3, 4].map(() => connect('192.0.2.1')))).toEqual([false, false, false, false]);
  });

  it('is counted by the network of an IPv6 address', () => {
    const { connect } = open({ limits: few });
    const hosts = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
    expect(ends(hosts.map((host) => connect(host)))).toEqual([false, false, true]);
  });

  it('makes room when it goes', async () => {
    const { connect } = open({ limits: few });
    const [first] = [connect(), connect()];
    first?.destroy();
    await once(first ?? connect(), 'close');
    expect(ends([connect(), connect()])).toEqual([false, true]);
  });

  it('makes room when it proves who it is, for one more behind the same NAT each, until it goes', async () => {
    const { listener, connect } = open({ limits: few });
    const phones = [connect(), connect()];
    listener.vouch(1);
    listener.vouch(2);
    phones.push(connect(), connect(), connect(), connect());
    expect(ends(phones)).toEqual([false, false, false, false, false, false]);
    expect(connect().destroyed).toBe(true);
    phones[0]?.destroy();
    phones[2]?.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(connect().destroyed).toBe(true);
  });

  it('is ended when it has proved nothing within 30 s; who has, is of a trunk, or was called by us is not', () => {
    vi.useFakeTimers();
    const { listener, drops, dialled, connect } = open({
      knows: ({ remote }) => remote.host === '192.0.2.9',
    });
    const [stranger, user, trunk] = [connect(), connect(), connect('192.0.2.9')];
    listener.send(
      { transport: 'tcp', remote: { host: '203.0.113.7', port: 1 }, local: kLocal },
      'x',
      () => {},
    );
    dialled.emit('connect');
    vi.advanceTimersByTime(29_999);
    listener.vouch(2);
    expect(stranger.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(stranger.destroyed).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(ends([user, trunk, dialled])).toEqual([false, false, false]);
    expect(drops).toEqual(['stranger-for-too-long']);
  });
});
