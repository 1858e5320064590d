import type { Config } from './config.ts';
import { kLoopbackUrl } from './loopback.ts';
import type { CheckedFile } from './schema.ts';
import type { Path } from './tree.ts';

/** What the resolver of the whole file lends. */
interface Tools {
  secret(path: Path, value: string | null, file: string | null): string | null;
  text(path: Path, file: string): string | null;
  refuse(path: Path, expects: string, remedy: string): void;
}

/** Reads the secret and checks what concerns several keys. */
export function apiSettings({ api, http }: CheckedFile, tools: Tools): Config['api'] {
  const keys = api.keys.map(({ name, sha256, certificateSha256, ...rest }, index) => {
    const path: Path = ['api', 'keys', index];
    if (api.keys.findIndex((other) => other.name === name) < index) {
      tools.refuse([...path, 'name'], 'a name of its own', 'give each key another name');
    }
    if (sha256 === null && certificateSha256 === null) {
      tools.refuse([...path, 'sha256'], 'a hash, or certificateSha256', '`npx hushpay api-key` makes one');
    }
    if (certificateSha256 !== null && http.tls.clients === 'ignored') {
      const expects = 'null, because http.tls.clients is `ignored`';
      tools.refuse([...path, 'certificateSha256'], expects, 'ask clients for certificates, or use sha256');
    }
    return {
      name,
      sha256: plainHex(sha256),
      certificateSha256: plainHex(certificateSha256),
      ...rest,
    };
  });
  return {
    key: tools.secret(['api', 'key'], api.key, api.keyFile),
    keys,
    requestsPerMinute: api.requestsPerMinute,
    oidc: oidc(api.oidc, tools),
  };
}

function oidc(file: CheckedFile['api']['oidc'], tools: Tools): Config['api']['oidc'] {
  const { issuer, audience, jwksUrl } = file;
  if (issuer === null) return null;
  for (const [name, url] of Object.entries({ issuer, jwksUrl })) {
    if (url?.startsWith('http:') && !kLoopbackUrl.test(url)) {
      tools.refuse(
        ['api', 'oidc', name],
        '`https://`, or `http://` to this machine',
        'use the https address',
      );
    }
  }
  if (audience === null) {
    tools.refuse(
      ['api', 'oidc', 'audience'],
      'a name, because api.oidc.issuer is set',
      'set what tokens for hushpay name',
    );
  }
  return { ...file, issuer, audience: audience ?? '' };
}

/** The files are read, and must be there. */
export function httpTls({ http }: CheckedFile, tools: Tools): Config['http']['tls'] {
  const { certFile, keyFile, clients, clientCaFile } = http.tls;
  const at = (name: string): Path => ['http', 'tls', name];
  if (certFile === null || keyFile === null) {
    if (certFile !== keyFile)
      tools.refuse(at(keyFile === null ? 'keyFile' : 'certFile'), 'a file: TLS needs both', 'name it');
    if (clients !== 'ignored')
      tools.refuse(at('clients'), '`ignored`, because there is no certFile', 'set certFile and keyFile');
    return null;
  }
  if (clients !== 'ignored' && clientCaFile === null) {
    tools.refuse(
      at('clientCaFile'),
      `a file, because http.tls.clients is \`${clients}\``,
      'name the authority of your clients',
    );
  }
  return {
    cert: tools.text(at('certFile'), certFile) ?? '',
    key: tools.text(at('keyFile'), keyFile) ?? '',
    ca: clientCaFile === null ? null : tools.text(at('clientCaFile'), clientCaFile),
    clients,
  };
}

/** As openssl prints it, too. */
function plainHex(hex: string | null): string | null {
  return hex === null ? null : hex.replaceAll(':', '').toLowerCase();
}
