import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOfKey } from '../../src/api/keys.ts';
import { TestAuthority } from '../support/certificates.ts';
import { credentialsFor } from '../support/digest-caller.ts';
import { openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

let authority: TestAuthority;
let server: ServerProcess;

/** All that is secret, of one generation. */
function configure(generation: 'old' | 'new'): void {
  const leaf = generation === 'old' ? 'leaf1' : 'leaf2';
  writeFileSync(authority.path('ann'), `password-of-the-${generation}-one\n`);
  writeFileSync(
    authority.path('hushpay.yaml'),
    JSON.stringify({
      http: { tls: { certFile: authority.path(`${leaf}.pem`), keyFile: authority.path(`${leaf}.key`) } },
      api: {
        keys: [
          { name: 'crm', sha256: hashOfKey(`${generation}-key`).toString('hex'), roles: ['integrator'] },
          { name: 'anna', sha256: hashOfKey('annas').toString('hex'), roles: ['agent'], agentIds: ['7001'] },
        ],
      },
      sip: {
        users: [{ name: 'ann', secretFile: authority.path('ann') }],
        trunks: [{ name: 'softphones', users: ['ann'] }],
      },
    }),
  );
}

beforeAll(async () => {
  authority = new TestAuthority();
  for (let n = 0; n < 2; n++) authority.issue(['IP:127.0.0.1']);
  configure('old');
  server = await startServerProcess({ HUSHPAY_CONFIG: authority.path('hushpay.yaml') });
});
afterAll(async () => {
  await server.stop();
  authority.remove();
});

interface Answer {
  readonly status: number;
  /** In the certificate of the server. */
  readonly name: string;
  readonly body: string;
}

function send(key: string, path: string, posted?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = posted && { 'content-type': 'application/json' };
    const headers = { authorization: `Bearer ${key}`, ...type };
    const options = { ca: authority.cert, headers, agent: false, method: posted ? 'POST' : 'GET' };
    request(server.httpUrl + path, options, (response) => {
      const name = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      void text(response).then((body) => resolve({ status: response.statusCode ?? 0, name, body }), reject);
    })
      .on('error', reject)
      .end(posted && JSON.stringify(posted));
  });
}

async function ask(key: string): Promise<[status: number, name: string]> {
  const { status, name } = await send(key, '/v1/calls');
  return [status, name];
}

/** A phone registers with this password. @returns what it is answered in the end. */
async function register(secret: string): Promise<string> {
  const phone = await openUdpPeer({ host: '127.0.0.1', port: server.sipPorts.udp }, '127.0.0.7');
  try {
    const call = new RawCall(phone, `sip:127.0.0.1:${server.sipPorts.udp}`);
    const aor = {
      To: '<sip:ann@127.0.0.1>',
      From: '<sip:ann@127.0.0.1>;tag=1',
      Contact: '<sip:ann@127.0.0.7>',
    };
    call.send('REGISTER', aor);
    const challenge = await phone.next('401 REGISTER');
    const who = { user: 'ann', secret };
    const challenges = challenge.headers('WWW-Authenticate');
    call.send('REGISTER', {
      ...aor,
      Authorization: credentialsFor(challenges, who, 'REGISTER', call.target),
    });
    return (await phone.next('final REGISTER')).startLine;
  } finally {
    await phone.close();
  }
}

describe('the key of an agent', () => {
  it('sees what was prepared for that agent, and nothing else of the same server', async () => {
    const asked = { topology: 'conference', amount: '1.00' };
    const prepare = async (more: object) =>
      String(JSON.parse((await send('old-key', '/v1/sessions', { ...asked, ...more })).body).id);
    const [hers, anothers] = [await prepare({ agentId: '7001' }), await prepare({ agentId: '7002' })];
    const [seen, hidden] = [
      await send('annas', `/v1/sessions/${hers}`),
      await send('annas', `/v1/sessions/${anothers}`),
    ];
    expect([seen.status, hidden.status]).toEqual([200, 404]);
    const cancel = (id: string) => send('annas', `/v1/sessions/${id}/actions`, { action: 'cancel' });
    expect([(await cancel(anothers)).status, (await cancel(hers)).status]).toEqual([404, 200]);
  });
});

describe('keys, secrets and certificates', () => {
  it('change while the server runs, at SIGHUP: of the API, of SIP users, of HTTP', async () => {
    expect(await ask('old-key')).toEqual([200, 'leaf1']);
    expect(await ask('new-key')).toEqual([401, 'leaf1']);
    expect(await register('password-of-the-old-one')).toMatch(/ 200 /);
    configure('new');
    server.signal('SIGHUP');
    await expect.poll(async () => await ask('new-key')).toEqual([200, 'leaf2']);
    expect(await ask('old-key')).toEqual([401, 'leaf2']);
    await expect.poll(() => server.output()).toMatch(/"credentials replaced"/);
    expect(await register('password-of-the-old-one')).toMatch(/ 401 /);
    expect(await register('password-of-the-new-one')).toMatch(/ 200 /);
    const kept = readdirSync(server.dataDir).map((file) =>
      readFileSync(join(server.dataDir, file), 'latin1'),
    );
    expect([server.output(), ...kept].join('\n')).not.toMatch(/(old|new)-key|password-of/); // at rest there are hashes
  });

  it('go on as they are when the configuration cannot be used, which the log tells', async () => {
    writeFileSync(authority.path('hushpay.yaml'), 'api: [');
    server.signal('SIGHUP');
    await expect.poll(() => server.output()).toMatch(/not replaced/);
    expect(await ask('new-key')).toEqual([200, 'leaf2']);
  });
});
