import { parse } from 'yaml';
import { type GatewayKind, kGatewayKinds } from '../ports/gateway-kinds.ts';
import type { GatewaySettings } from './config.ts';
import { kLoopbackUrl } from './loopback.ts';
import type { CheckedFile } from './schema.ts';
import type { SecretOrigin } from './secret-origin.ts';
import { type Path, pathText } from './tree.ts';

interface Tools {
  /** Where the secret is that a `…File` key stands for. */
  origin(text: string): SecretOrigin;
  secret(path: Path, value: string | null, file: string | null): string | null;
  /** The file's text; undefined files are refused. */
  text(path: Path, file: string): string | null;
  absolute(path: string): string;
  refuse(path: Path, expects: string, remedy: string): void;
}

/**
 * Checks what a type of gateway needs, and reads the files that are named for their mistakes.
 * @param at - where the section is.
 */
export function gatewaySettings(gateway: CheckedFile['gateway'], at: Path, tools: Tools): GatewaySettings {
  const { type, url, token, tokenFile, caFile, certFile, keyFile, proxy } = gateway;
  const { needs }: GatewayKind = kGatewayKinds[type];
  const secret = tools.secret([...at, 'token'], token, tokenFile);
  for (const key of needs) {
    const given = key === 'token' ? (secret ?? tokenFile) : gateway[key];
    if (given !== null) continue;
    const what = key === 'url' ? '`https://` URL' : 'a value';
    tools.refuse(
      [...at, key],
      `${what}, because ${pathText([...at, 'type'])} is \`${type}\``,
      'set it; docs/gateways.md says to what',
    );
  }
  if (url?.startsWith('http:') && !kLoopbackUrl.test(url)) {
    tools.refuse([...at, 'url'], '`https://` URL; plain `http` for loopback only', 'use https');
  }
  if (proxy !== null && url?.startsWith('http:')) {
    tools.refuse(
      [...at, 'proxy'],
      `null, because ${pathText([...at, 'url'])} is not https`,
      'reach it without a proxy',
    );
  }
  if ((certFile === null) !== (keyFile === null)) {
    const missing = certFile === null ? 'certFile' : 'keyFile';
    tools.refuse([...at, missing], 'a file, because its other half is set', 'name both or none');
  }
  if (type === 'xml' && (gateway.user === null) !== (secret === null)) {
    tools.refuse([...at, 'user'], `set together with ${pathText([...at, 'token'])}`, 'set both or none');
  }
  for (const [key, file, kind] of [
    ['caFile', caFile, 'CERTIFICATE'],
    ['certFile', certFile, 'CERTIFICATE'],
    ['keyFile', keyFile, 'PRIVATE KEY'],
  ] as const) {
    const text = file === null ? null : tools.text([...at, key], file);
    if (text === null || new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) continue;
    tools.refuse([...at, key], `a PEM file with a ${kind.toLowerCase()}`, 'name the right file');
  }
  const absolute = (path: string | null) => (path === null ? null : tools.absolute(path));
  const origin = tokenFile === null ? null : tools.origin(tokenFile);
  return {
    ...gateway,
    // A variable never changes: what is in it is the token.
    token: origin?.kind === 'variable' ? secret : token,
    tokenFile: origin?.kind === 'file' ? origin.path : null,
    caFile: absolute(caFile),
    certFile: absolute(certFile),
    keyFile: absolute(keyFile),
    mappingFile: absolute(gateway.mappingFile),
    mapping: mappingOf(gateway, at, tools),
  };
}

function mappingOf({ type, mappingFile }: CheckedFile['gateway'], at: Path, tools: Tools): unknown {
  if (mappingFile === null) return null;
  const path = [...at, 'mappingFile'];
  if (type !== 'rest' && type !== 'xml') {
    tools.refuse(
      path,
      `null, because ${pathText([...at, 'type'])} is \`${type}\``,
      'only rest and xml are mapped',
    );
    return null;
  }
  const text = tools.text(path, mappingFile);
  if (text === null) return null;
  try {
    return parse(text);
  } catch {
    tools.refuse(path, 'a file with YAML', 'correct it; docs/gateways.md says what belongs into it');
    return null;
  }
}
