import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examineClock } from '../../../../src/cli/doctor/doctor.ts';
import { examineGateways } from '../../../../src/cli/doctor/gateways.ts';
import {
  drachtioAnswers,
  examineNetwork,
  examineUrl,
  portIsFree,
} from '../../../../src/cli/doctor/network.ts';
import { pingByOptions } from '../../../../src/cli/doctor/options-ping.ts';
import { configOf } from '../../../support/doctor-config.ts';
import { selfSigned } from '../../../support/self-signed.ts';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterEach(() => void server.close());

async function closed(): Promise<void> {
  server.close();
  await once(server, 'close');
}

describe('a port', () => {
  it('is free, or says what to do about whoever has it', async () => {
    expect(await portIsFree('HTTP port', 'tcp', '127.0.0.1', port)).toMatchObject({
      severity: 'bad',
      detail: expect.stringContaining('EADDRINUSE'),
      remedy: expect.stringContaining('another port'),
    });
    expect(await portIsFree('HTTP port', 'tcp', '127.0.0.1', port, true)).toMatchObject({ severity: 'ok' });
    await closed();
    expect(await portIsFree('HTTP port', 'tcp', '127.0.0.1', port)).toMatchObject({
      severity: 'ok',
      detail: `127.0.0.1:${port} is free`,
    });
  });

  it('of an address that is not ours cannot be listened on', async () => {
    expect(await portIsFree('SIP', 'udp', '192.0.2.1', 0)).toMatchObject({
      severity: 'bad',
      remedy: expect.stringContaining('address of this machine'),
    });
  });
});

describe('a drachtio-server', () => {
  it('is there, or the place to correct is named', async () => {
    const place = { host: '127.0.0.1', port };
    expect(await drachtioAnswers(place)).toMatchObject({ severity: 'ok' });
    await closed();
    expect(await drachtioAnswers(place)).toMatchObject({
      severity: 'bad',
      detail: expect.stringContaining('ECONNREFUSED'),
      remedy: expect.stringContaining('sip.server'),
    });
  });
});

describe('what is asked over HTTP', () => {
  const { cert, key } = selfSigned();

  it('is reached, or said to be closed', async () => {
    const url = new URL(`http://127.0.0.1:${port}/`);
    expect(await examineUrl('webhook crm', url, null)).toMatchObject([{ severity: 'ok' }]);
    await closed();
    expect(await examineUrl('webhook crm', url, null)).toMatchObject([
      { severity: 'bad', detail: expect.stringContaining('ECONNREFUSED'), remedy: expect.any(String) },
    ]);
  });

  it('has a name that is known', async () => {
    expect(await examineUrl('gateway', new URL('https://gateway.invalid/'), null)).toMatchObject([
      { severity: 'bad', remedy: expect.stringContaining('DNS') },
    ]);
  });

  it('proves its name, and shows how it is protected and for how long', async () => {
    const caFile = join(mkdtempSync(join(tmpdir(), 'hushpay-doctor-')), 'ca.pem');
    writeFileSync(caFile, cert);
    const secure = createTlsServer({ cert, key }).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const url = new URL(`https://127.0.0.1:${(secure.address() as AddressInfo).port}/`);
    const [trusted] = await examineUrl('gateway', url, caFile);
    expect(trusted).toMatchObject({
      severity: 'note',
      detail: expect.stringMatching(/TLSv1\.3, TLS_\w+, certificate valid for 0 days/),
    });
    expect(await examineUrl('gateway', url, null)).toMatchObject([
      { severity: 'bad', remedy: expect.stringContaining('caFile') },
    ]);
    secure.close();
  });
});

describe('a SIP server', () => {
  it.each(['udp', 'tcp'] as const)('answers OPTIONS over %s', async (transport) => {
    const answer = (text: string) => {
      const via = /^Via: .*$/m.exec(text)?.[0] ?? '';
      return `SIP/2.0 200 OK\r\n${via}\r\nContent-Length: 0\r\n\r\n`;
    };
    const datagrams = createSocket('udp4');
    datagrams.on('message', (text, from) => datagrams.send(answer(String(text)), from.port, from.address));
    server.on('connection', (socket) => socket.on('data', (text) => socket.write(answer(String(text)))));
    datagrams.bind(0, '127.0.0.1');
    await once(datagrams, 'listening');
    const at = transport === 'udp' ? datagrams.address().port : port;
    expect(await pingByOptions(`sip:desk@127.0.0.1:${at};transport=${transport}`)).toBe('200 OK');
    datagrams.close();
  });

  it('that is not there is wrong for a route, and for recording where calls must be recorded', async () => {
    await closed();
    const gone = `sip:nobody@127.0.0.1:${port};transport=tcp`;
    const found = async (required: boolean) =>
      (
        await examineNetwork(
          configOf({
            sip: { port: 0 },
            http: { port: 0 },
            routes: { queue: gone },
            recording: { calls: 'all', required, siprec: { server: gone } },
          }),
        )
      )
        .filter(({ severity }) => severity !== 'ok')
        .map(({ check, severity }) => `${severity} ${check}`);
    expect(await found(true)).toEqual(['bad route queue', 'bad recording server']);
    expect(await found(false)).toEqual(['bad route queue', 'note recording server']);
  });
});

describe('a gateway', () => {
  it('that does not answer is wrong', async () => {
    await closed();
    const config = configOf({ gateway: { type: 'rest', url: `http://127.0.0.1:${port}/` } });
    expect(await examineGateways(config)).toMatchObject([
      { check: 'gateway', severity: 'bad', remedy: expect.stringContaining('credentials') },
    ]);
    expect(await examineGateways(configOf({}))).toMatchObject([{ severity: 'ok' }]);
  });
});

describe('the clock', () => {
  it.each([
    ['kept by NTP', 'echo yes', 'ok'],
    ['kept by nobody', 'echo no', 'bad'],
    ['of a system that does not say', 'exit 1', 'note'],
  ])('%s', async (_title, script, severity) => {
    const command = join(mkdtempSync(join(tmpdir(), 'hushpay-doctor-')), 'timedatectl');
    writeFileSync(command, `#!/bin/sh\n${script}\n`);
    chmodSync(command, 0o700);
    expect(await examineClock(new Date(0), command)).toMatchObject({
      severity,
      detail: expect.stringContaining('1970-01-01T00:00:00.000Z'),
    });
  });
});
