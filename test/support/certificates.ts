import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a test's own, with openssl in a folder of its own. Ended with remove(). */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'hushpay-ca-'));
  readonly cert: string;
  #count = 0;

  constructor(name = 'hushpay test authority') {
    this.#openssl('ca', ['-x509', '-days', '2', '-subj', `/CN=${name}`]);
    this.cert = readFileSync(this.path('ca.pem'), 'utf8');
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** @param names - of the subjectAltName, as openssl writes them: `DNS:pbx.test`, `IP:127.0.0.1`, `URI:sip:pbx.test`. */
  issue(names: readonly string[]): Pem {
    const name = `leaf${++this.#count}`;
    const { path } = this;
    const signer = ['-CA', path.call(this, 'ca.pem'), '-CAkey', path.call(this, 'ca.key')];
    const extensions = [
      '-addext',
      `subjectAltName=${names.join(',')}`,
      '-addext',
      'basicConstraints=CA:FALSE',
    ];
    this.#openssl(name, ['-x509', '-days', '1', '-subj', `/CN=${name}`, ...signer, ...extensions]);
    return {
      cert: readFileSync(this.path(`${name}.pem`), 'utf8'),
      key: readFileSync(this.path(`${name}.key`), 'utf8'),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(name: string, more: readonly string[]): void {
    const files = ['-keyout', this.path(`${name}.key`), '-out', this.path(`${name}.pem`)];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    execFileSync('openssl', ['req', ...key, ...files, ...more], { stdio: 'pipe' });
  }
}
