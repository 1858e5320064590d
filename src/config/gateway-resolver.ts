import { parse } from 'yaml';
import { type GatewayKind, kGatewayKinds } from '../ports/gateway-kinds.ts';
import { kPaymentTypes, type PaymentType } from '../ports/payment-gateway.ts';
import type { GatewaySettings } from './config.ts';
import { kLoopbackUrl } from './loopback.ts';
import type { CheckedFile } from './schema.ts';
import type { Path } from './tree.ts';

interface Tools {
  secret(path: Path, value: string | null, file: string | null): string | null;
  /** The file's text; undefined files are refused. */
  text(path: Path, file: string): string | null;
  absolute(path: string): string;
  refuse(path: Path, expects: string, remedy: string): void;
}

/** Checks what a type of gateway needs, and reads the files that are named for their mistakes. */
export function gatewaySettings(gateway: CheckedFile['gateway'], tools: Tools): GatewaySettings {
  const { type, url, token, tokenFile, caFile, certFile, keyFile, proxy } = gateway;
  const { needs }: GatewayKind = kGatewayKinds[type];
  const secret = tools.secret(['gateway', 'token'], token, tokenFile);
  for (const key of needs) {
    const given = key === 'token' ? (secret ?? tokenFile) : gateway[key];
    if (given !== null) continue;
    const what = key === 'url' ? '`https://` URL' : 'a value';
    tools.refuse(
      ['gateway', key],
      `${what}, because gateway.type is \`${type}\``,
      'set it; docs/gateways.md says to what',
    );
  }
  if (url?.startsWith('http:') && !kLoopbackUrl.test(url)) {
    tools.refuse(['gateway', 'url'], '`https://` URL; plain `http` for loopback only', 'use https');
  }
  if (proxy !== null && url?.startsWith('http:')) {
    tools.refuse(['gateway', 'proxy'], 'null, because gateway.url is not https', 'reach it without a proxy');
  }
  if ((certFile === null) !== (keyFile === null)) {
    const missing = certFile === null ? 'certFile' : 'keyFile';
    tools.refuse(['gateway', missing], 'a file, because its other half is set', 'name both or none');
  }
  if (type === 'xml' && (gateway.user === null) !== (secret === null)) {
    tools.refuse(['gateway', 'user'], 'set together with gateway.token', 'set both or none');
  }
  for (const [key, file, kind] of [
    ['caFile', caFile, 'CERTIFICATE'],
    ['certFile', certFile, 'CERTIFICATE'],
    ['keyFile', keyFile, 'PRIVATE KEY'],
  ] as const) {
    const text = file === null ? null : tools.text(['gateway', key], file);
    if (text === null || new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text)) continue;
    tools.refuse(['gateway', key], `a PEM file with a ${kind.toLowerCase()}`, 'name the right file');
  }
  const absolute = (path: string | null) => (path === null ? null : tools.absolute(path));
  return {
    ...gateway,
    tokenFile: absolute(tokenFile),
    caFile: absolute(caFile),
    certFile: absolute(certFile),
    keyFile: absolute(keyFile),
    mappingFile: absolute(gateway.mappingFile),
    mapping: mappingOf(gateway, tools),
  };
}

/** What can be done with a card there; a foreign gateway can do what is mapped. */
export function paymentTypesOf({ type, mapping }: Pick<GatewaySettings, 'type' | 'mapping'>): PaymentType[] {
  const { operations }: GatewayKind = kGatewayKinds[type];
  const mapped = typeof mapping === 'object' && mapping !== null ? Object.keys(mapping) : undefined;
  return kPaymentTypes.filter((each) =>
    mapped ? each === 'sale' || mapped.includes(each) : operations.includes(each),
  );
}

function mappingOf({ type, mappingFile }: CheckedFile['gateway'], tools: Tools): unknown {
  if (mappingFile === null) return null;
  const path = ['gateway', 'mappingFile'];
  if (type !== 'rest' && type !== 'xml') {
    tools.refuse(path, `null, because gateway.type is \`${type}\``, 'only rest and xml are mapped');
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
