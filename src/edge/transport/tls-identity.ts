import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { type PeerIdentity, plainAddress } from './flow.ts';

/** Certificates and keys as PEM text, never as paths: the process that holds them reads no files. */
export interface TlsMaterial {
  /** The first one is shown to who asks for no name, or for one that no certificate has. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  /** Authorities that vouch for peers; null for those that come with Node. */
  readonly ca: string | null;
  /** Whether peers that connect to us must show a certificate. */
  readonly clients: 'ignored' | 'asked' | 'required';
  /** Whether servers we connect to must prove their name. Anything but true is for laboratories. */
  readonly verifyServers: boolean;
}

type Reloaded = (options: SecureContextOptions) => void;

const kMinVersion = 'TLSv1.2';
const kHandshakeMs = 10_000;

/** Who we are over TLS, for all listeners of the process. Certificates can be replaced while connections live. */
export class TlsIdentity {
  readonly #listeners: Reloaded[] = [];
  #material: TlsMaterial;
  #byName = new Map<string, SecureContext>();

  /** Throws when a key does not belong to its certificate. */
  constructor(material: TlsMaterial) {
    this.#material = material;
    this.#byName = contextsByName(material);
  }

  /** For a server. `clients` and the rest stay as they are for its life; {@link reload} replaces certificates and authorities. */
  serverOptions(): TlsOptions {
    const { clients } = this.#material;
    return {
      ...contextOptions(this.#material),
      requestCert: clients !== 'ignored',
      rejectUnauthorized: clients === 'required',
      handshakeTimeout: kHandshakeMs,
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
    };
  }

  /** For a connection of ours. @param domain - that the far end must prove (RFC 5922 section 7.4). */
  clientOptions(host: string, domain = host): ConnectionOptions {
    const { verifyServers } = this.#material;
    return {
      ...contextOptions(this.#material),
      rejectUnauthorized: verifyServers,
      ...(isIP(domain) === 0 ? { servername: domain } : {}),
      checkServerIdentity: (_name, certificate) => {
        const names = namesOf(certificate.subjectaltname ?? '');
        return names.includes(plainAddress(domain.toLowerCase()))
          ? undefined
          : checkServerIdentity(domain, certificate);
      },
    };
  }

  /** Told of the options of new contexts. */
  onReload(listener: Reloaded): void {
    this.#listeners.push(listener);
  }

  /** New connections get the new certificates; those that live are left alone. Throws, and changes nothing, on a bad key. */
  reload(material: TlsMaterial): void {
    this.#byName = contextsByName(material);
    this.#material = { ...material, clients: this.#material.clients };
    for (const listener of this.#listeners) listener(contextOptions(material));
  }

  #contextFor(name: string): SecureContext | undefined {
    const lower = name.toLowerCase();
    return this.#byName.get(lower) ?? this.#byName.get(lower.replace(/^[^.]+/, '*'));
  }
}

function contextOptions({ certificates, ca }: TlsMaterial): SecureContextOptions {
  const [first] = certificates;
  return {
    minVersion: kMinVersion,
    ...(first && { cert: first.cert, key: first.key }),
    ...(ca !== null && { ca }),
  };
}

function contextsByName(material: TlsMaterial): Map<string, SecureContext> {
  const contexts = new Map<string, SecureContext>();
  for (const certificate of material.certificates) {
    const context = createSecureContext(contextOptions({ ...material, certificates: [certificate] }));
    for (const name of namesOf(new X509Certificate(certificate.cert).subjectAltName ?? '')) {
      if (!contexts.has(name)) contexts.set(name, context);
    }
  }
  return contexts;
}

/** What the far end of a connection has shown. */
export function identityOf(socket: TLSSocket): PeerIdentity | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return undefined;
  return { verified: socket.authorized, names: namesOf(certificate.subjectAltName ?? '') };
}

const kAlternative = /(DNS|IP Address|URI):(?:"((?:[^"\\]|\\.)*)"|([^,]*))/g;

/** The names in the text form of a subjectAltName; one with characters that need quoting is no name of ours and left out. */
export function namesOf(subjectAltName: string): string[] {
  const names: string[] = [];
  for (const [, kind, quoted, plain = ''] of subjectAltName.matchAll(kAlternative)) {
    if (quoted !== undefined) continue;
    const name = kind === 'URI' ? sipDomain(plain) : plain;
    if (name !== undefined && name !== '') names.push(plainAddress(name.trim().toLowerCase()));
  }
  return [...new Set(names)];
}

/** RFC 5922 section 7.1: a SIP URI counts when it has no user part. */
function sipDomain(uri: string): string | undefined {
  return /^sips?:([\w.-]+)$/i.exec(uri)?.[1];
}
