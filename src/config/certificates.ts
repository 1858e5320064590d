import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { TlsSettings } from './transport.ts';
import type { Path } from './tree.ts';

/** What TLS needs, as text: the process that uses it reads no files. */
export interface TlsMaterial {
  readonly certificates: { readonly cert: string; readonly key: string }[];
  readonly ca: string | null;
  readonly clients: TlsSettings['clients'];
  readonly verifyServers: boolean;
}

/** One thing wrong with a file. */
export interface FileProblem {
  /** Of the key that names it. */
  readonly path: Path;
  readonly file: string;
  readonly expects: string;
  readonly remedy: string;
}

export interface ReadTls {
  /** To be used only if there are no problems. */
  readonly material: TlsMaterial;
  readonly problems: readonly FileProblem[];
  /** Key files that others than their owner can read. */
  readonly exposedKeys: readonly string[];
}

const kSection: Path = ['sip', 'tls'];
const kOthersMayRead = 0o077;

/** Reads and checks every certificate and key (RFC 5922). @param now - they must be valid then. */
export function readTls(settings: TlsSettings, now: Date): ReadTls {
  const reader = new Reader(now);
  const certificates = settings.certificates.map(({ certFile, keyFile }, index) => {
    const at = [...kSection, 'certificates', index];
    const cert = reader.certificates([...at, 'certFile'], certFile);
    return { cert, key: reader.key([...at, 'keyFile'], keyFile, cert) };
  });
  const { caFile, clients, verifyServers } = settings;
  const ca = caFile === null ? null : reader.certificates([...kSection, 'caFile'], caFile);
  const { problems, exposedKeys } = reader;
  return { material: { certificates, ca, clients, verifyServers }, problems, exposedKeys };
}

class Reader {
  readonly problems: FileProblem[] = [];
  readonly exposedKeys: string[] = [];
  readonly #now: Date;

  constructor(now: Date) {
    this.#now = now;
  }

  /** @returns the text of the file; '' with a problem noted if it cannot be used. */
  certificates(path: Path, file: string): string {
    const text = this.#text(path, file);
    if (text === undefined) return '';
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const [first, ...more] = blocks.map(parseCertificate);
    if (first === undefined || more.includes(undefined)) {
      this.#refuse(path, file, 'certificates in PEM', 'name the file that begins with BEGIN CERTIFICATE');
      return '';
    }
    this.#checkDates(path, file, first);
    return text;
  }

  /** The key of a certificate. */
  key(path: Path, file: string, cert: string): string {
    const text = this.#text(path, file);
    if (text === undefined) return '';
    if ((statSync(file).mode & kOthersMayRead) !== 0) this.exposedKeys.push(file);
    const key = parseKey(text);
    if (!key) {
      this.#refuse(
        path,
        file,
        'a private key in PEM without a passphrase',
        'name the file with the key, or decrypt it',
      );
      return '';
    }
    const certificate = parseCertificate(cert);
    if (certificate && !certificate.checkPrivateKey(key)) {
      this.#refuse(path, file, 'the key of its certificate', 'name the two files that belong together');
    }
    return text;
  }

  #checkDates(path: Path, file: string, { validFrom, validTo }: X509Certificate): void {
    if (this.#now > new Date(validTo)) {
      this.#refuse(path, file, `a certificate that is valid (it expired on ${validTo})`, 'renew it');
    } else if (this.#now < new Date(validFrom)) {
      const expects = `a certificate that is valid (it will be from ${validFrom})`;
      this.#refuse(path, file, expects, 'set the clock of this machine right, or wait');
    }
  }

  #text(path: Path, file: string): string | undefined {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      const remedy = 'correct the path, or let the user hushpay runs as read it';
      this.#refuse(path, file, `a file that can be read (${reason})`, remedy);
      return undefined;
    }
  }

  #refuse(path: Path, file: string, expects: string, remedy: string): void {
    this.problems.push({ path, file, expects, remedy });
  }
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function parseKey(pem: string): ReturnType<typeof createPrivateKey> | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
