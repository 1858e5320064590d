import { describe, expect, it } from 'vitest';
import { examineExposure } from '../../../../src/cli/doctor/exposure.ts';
import { configOf } from '../../../support/doctor-config.ts';

const kTrunk = { name: 'sbc', sources: ['10.20.0.5'], media: { encryption: 'required' } };
const kRest = { type: 'rest', url: 'https://gateway.example.net', token: 'secret' };
const kWell = {
  production: { enabled: true },
  api: { key: 'a-key-of-our-own' },
  sip: { trunks: [kTrunk] },
  gateway: kRest,
};

function wrongOf(file: object) {
  return examineExposure(configOf(file)).filter(({ severity }) => severity !== 'ok');
}

describe('a configuration', () => {
  it('that is fit for production is said to be so', () => {
    expect(examineExposure(configOf(kWell)).map(({ check, severity }) => `${severity} ${check}`)).toEqual([
      'ok HTTP',
      'ok API keys',
      'ok SIP',
      'ok trunks',
      'ok gateways',
      'ok copies',
    ]);
  });

  it.each<[string, object, string, 'bad' | 'note', RegExp]>([
    ['plain HTTP for others', { http: { host: '0.0.0.0' } }, 'HTTP', 'bad', /http\.tls/],
    ['no key of its own', { api: {} }, 'API keys', 'bad', /api\.keys/],
    ['no trunk', { sip: {} }, 'trunks', 'bad', /sip\.trunks/],
    [
      'a trunk for everybody',
      { sip: { trunks: [{ ...kTrunk, sources: ['0.0.0.0/0'] }] } },
      'trunk sbc',
      'bad',
      /sources/,
    ],
    [
      'audio in clear',
      { sip: { trunks: [{ ...kTrunk, media: { encryption: 'off' } }] } },
      'trunk sbc',
      'note',
      /encryption: required/,
    ],
    [
      'servers that prove nothing',
      { sip: { trunks: [kTrunk], tls: { verifyServers: false } } },
      'SIP over TLS',
      'bad',
      /verifyServers/,
    ],
    ['MD5', { sip: { trunks: [kTrunk], digest: { allowMd5: true } } }, 'digest', 'note', /allowMd5/],
    [
      'a drachtio-server elsewhere',
      { sip: { trunks: [kTrunk], server: 'drachtio://:own@10.0.0.1:9022' } },
      'drachtio-server',
      'bad',
      /tunnel/,
    ],
    [
      'the simulator, though it is allowed',
      { gateway: { type: 'simulator' }, production: { enabled: true, allowSimulator: true } },
      'gateway',
      'bad',
      /configure the gateway/,
    ],
    [
      'copies of SIP that leave the machine',
      { sip: { trunks: [kTrunk], capture: { server: '10.20.0.9:9060' } } },
      'capture server',
      'note',
      /network of its own/,
    ],
    ['traces in clear', { traces: { url: 'http://10.20.0.9:4318/v1/traces' } }, 'traces', 'note', /https/],
    ['a log of debugging', { log: { level: 'debug' } }, 'log', 'note', /info/],
  ])('with %s is told so, and what to do', (_title, some, check, severity, remedy) => {
    const wrong = wrongOf({ ...kWell, ...some });
    expect(wrong).toMatchObject([{ check, severity, remedy: expect.stringMatching(remedy) }]);
  });

  it('of a laboratory is not wrong for what a laboratory is', () => {
    expect(wrongOf({}).filter(({ severity }) => severity === 'bad')).toEqual([]);
  });
});
