import { isIP } from 'node:net';
import type { Config } from '../../config/config.ts';
import type { Trunk } from '../../config/trust.ts';
import { bad, badInProduction, type Finding, note, ok, orOk } from './finding.ts';

const kWidest = /^(0\.0\.0\.0|::)\/0$/;

/** What others could reach, hear or read of a server with this configuration. */
export function examineExposure(config: Config): readonly Finding[] {
  return [
    ...http(config),
    ...keys(config),
    ...sip(config),
    ...trunks(config),
    ...gateway(config),
    ...copies(config),
  ];
}

function http({ http: { host, tls }, production }: Config): readonly Finding[] {
  if (tls !== null) return [ok('HTTP', 'TLS 1.2 or later')];
  if (isLoopback(host)) return [ok('HTTP', 'loopback only')];
  const remedy = 'set http.tls, or listen on 127.0.0.1 behind a proxy that speaks TLS';
  const detail = `keys and records go over plain HTTP on ${host}`;
  return [badInProduction(production.enabled, 'HTTP', detail, remedy)];
}

function keys({ api, production }: Config): readonly Finding[] {
  if (api.key !== null || api.keys.length > 0 || api.oidc !== null) return [ok('API keys', 'our own')];
  const remedy = 'set api.keys or api.oidc; `npx hushpay api-key` makes a key';
  return [badInProduction(production.enabled, 'API keys', 'one is made up at every start', remedy)];
}

function sip({ sip: { server, tls, digest }, production }: Config): readonly Finding[] {
  const found: Finding[] = [];
  const isProduction = production.enabled;
  if (server.kind === 'drachtio' && !isLoopback(server.host)) {
    const remedy = 'run it on this machine, or reach it through a tunnel';
    const detail = `commands and calls go to ${server.host} in clear`;
    found.push(badInProduction(isProduction, 'drachtio-server', detail, remedy));
  }
  if (!tls.verifyServers) {
    const remedy = 'set sip.tls.verifyServers: true, and sip.tls.caFile for private authorities';
    found.push(badInProduction(isProduction, 'SIP over TLS', 'servers need not prove their name', remedy));
  }
  if (digest.allowMd5)
    found.push(note('digest', 'MD5 is taken', 'set sip.digest.allowMd5: false when phones can do without'));
  return orOk(found, 'SIP', 'secrets are our own, servers prove their names');
}

function trunks({ sip, production }: Config): readonly Finding[] {
  const found = sip.trunks.flatMap((trunk) => trunkFindings(trunk, production.enabled));
  if (sip.trunks.length === 0) {
    const remedy = 'add your SBC or PBX to sip.trunks';
    found.push(
      badInProduction(production.enabled, 'trunks', 'none is configured: every call is ignored', remedy),
    );
  }
  return orOk(found, 'trunks', `${sip.trunks.length}, none of them open or unprotected`);
}

function trunkFindings({ name, sources, users, tlsNames, media }: Trunk, isProduction: boolean): Finding[] {
  const check = `trunk ${name}`;
  const found: Finding[] = [];
  if (sources.some((source) => kWidest.test(source)) && users.length === 0 && tlsNames.length === 0) {
    found.push(bad(check, 'anybody may call', 'name its addresses in sources, or want users or TLS names'));
  }
  if (media.encryption !== 'required') {
    const remedy = 'set media.encryption: required where the peer can, else keep the network to yourself';
    found.push(note(check, 'keys may come over RTP in clear', isProduction ? remedy : null));
  }
  return found;
}

function gateway({ gateway: { type }, merchants, production }: Config): readonly Finding[] {
  const simulated = [
    ...(type === 'simulator' ? ['gateway'] : []),
    ...merchants
      .filter((merchant) => merchant.gateway?.type === 'simulator')
      .map(({ id }) => `gateway ${id}`),
  ];
  const remedy = 'configure the gateway your contract is with';
  return orOk(
    simulated.map((check) =>
      badInProduction(production.enabled, check, 'no money moves: it is the simulator', remedy),
    ),
    'gateways',
    'real ones',
  );
}

/** Where copies of what happens go. */
function copies({ sip: { capture }, traces, log, production }: Config): readonly Finding[] {
  const found: Finding[] = [];
  if (capture !== null && !isLoopback(capture.host)) {
    const remedy = 'keep the way to it on a network of its own';
    found.push(note('capture server', `SIP goes to ${capture.host} over UDP, masked but in clear`, remedy));
  }
  if (traces.url?.startsWith('http:') && !isLoopback(new URL(traces.url).hostname)) {
    found.push(note('traces', 'they go over plain HTTP', 'use the https address of the collector'));
  }
  if (log.level === 'debug' && production.enabled)
    found.push(note('log', 'the level is debug: more than operation needs', 'set log.level: info'));
  return orOk(found, 'copies', 'none leaves this machine in clear');
}

export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '');
  if (isIP(plain) === 4) return plain.startsWith('127.');
  return plain === '::1' || plain === 'localhost';
}
