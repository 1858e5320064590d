import { type DigestAlgorithm, offered } from '../digest/algorithm.ts';
import { ha1Of } from '../digest/response.ts';
import { nearMiss } from './near-miss.ts';
import type { CheckedFile } from './schema.ts';
import type { Path } from './tree.ts';
import type { SipUser, Trunk, TrunkCredentials } from './trust.ts';

type SipFile = CheckedFile['sip'];
type TrunkFile = SipFile['trunks'][number];
type UserFile = SipFile['users'][number];

/** What this part needs of the whole. */
export interface TrustResolverNeeds {
  /** A secret from its key or from the file its `…File` key names. */
  secret(path: Path, value: string | null, file: string | null): string | null;
  refuse(path: Path, expects: string, remedy: string): void;
}

/** Trunks and users as the program uses them, with the checks that concern several keys. */
export class TrustResolver {
  readonly #sip: SipFile;
  readonly #needs: TrustResolverNeeds;

  constructor(sip: SipFile, needs: TrustResolverNeeds) {
    this.#sip = sip;
    this.#needs = needs;
  }

  trunks(): Trunk[] {
    this.#checkUnique('trunks', 'trunk');
    return this.#sip.trunks.map((trunk, index) => this.#trunk(trunk, ['sip', 'trunks', index]));
  }

  users(): SipUser[] {
    this.#checkUnique('users', 'user');
    const { allowMd5, onlyMd5 } = this.#sip.digest;
    if (onlyMd5 && !allowMd5) {
      this.#needs.refuse(
        ['sip', 'digest', 'onlyMd5'],
        'false, because allowMd5 is',
        'set sip.digest.allowMd5 too, or neither',
      );
    }
    return this.#sip.users.map((user, index) => this.#user(user, ['sip', 'users', index]));
  }

  #trunk(trunk: TrunkFile, path: Path): Trunk {
    this.#checkReachable(trunk, path);
    if (trunk.media.sharesPort && trunk.media.natLearning !== 'off') {
      this.#needs.refuse(
        [...path, 'media', 'natLearning'],
        '`off`, because media.sharesPort is set: calls are told apart by their addresses',
        'unset one of them',
      );
    }
    for (const [index, user] of trunk.users.entries()) this.#checkUser(user, [...path, 'users', index]);
    const { register, ...rest } = trunk;
    const credentials = this.#credentials(trunk, [...path, 'credentials']);
    const registers = register.registrars.length > 0;
    if (registers && trunk.credentials.user === null) {
      this.#needs.refuse(
        [...path, 'credentials', 'user'],
        'a user, because register.registrars is set',
        'set it',
      );
    }
    return { ...rest, credentials, register: registers ? register : null };
  }

  #checkReachable({ sources, tlsNames, users }: TrunkFile, path: Path): void {
    if (sources.length + tlsNames.length + users.length === 0) {
      this.#needs.refuse(
        [...path, 'sources'],
        'a source, unless tlsNames or users are set',
        'say where its calls come from',
      );
    }
    if (tlsNames.length > 0 && this.#sip.tls.clients === 'ignored') {
      this.#needs.refuse(
        [...path, 'tlsNames'],
        'none, because sip.tls.clients is `ignored`: nobody is asked for a certificate',
        'set sip.tls.clients to `asked` or `required`',
      );
    }
    if (this.#sip.server === 'embedded') return;
    for (const key of ['tlsNames', 'users'] as const) {
      const value = key === 'users' ? users : tlsNames;
      if (value.length > 0)
        this.#needs.refuse(
          [...path, key],
          'none: a drachtio-server tells addresses only',
          'use sources, or the embedded edge',
        );
    }
  }

  #checkUser(name: string, path: Path): void {
    const known = this.#sip.users.map((user) => user.name);
    if (known.includes(name)) return;
    const near = nearMiss(name, known);
    this.#needs.refuse(
      path,
      'the name of a user in sip.users',
      near ? `did you mean ${near}?` : 'add the user there',
    );
  }

  #credentials({ credentials }: TrunkFile, path: Path): TrunkCredentials | null {
    const { user, realm, secret, secretFile, allowMd5 } = credentials;
    const given = this.#needs.secret([...path, 'secret'], secret, secretFile);
    if (user === null && realm === null && given === null) return null;
    const parts = { user, realm, secret: given };
    for (const [key, value] of Object.entries(parts)) {
      if (value === null)
        this.#needs.refuse(
          [...path, key],
          'text: user, realm and secret belong together',
          'set all three, or none',
        );
    }
    return { user: user ?? '', realm: realm ?? '', secret: given ?? '', allowMd5 };
  }

  #user(user: UserFile, path: Path): SipUser {
    const { name, secret, secretFile, ha1Sha256, ha1Sha512256, ha1Md5 } = user;
    const { realm, allowMd5, onlyMd5 } = this.#sip.digest;
    const password = this.#needs.secret([...path, 'secret'], secret, secretFile);
    const stored = { 'SHA-256': ha1Sha256, 'SHA-512-256': ha1Sha512256, MD5: ha1Md5 };
    const made = (algorithm: DigestAlgorithm): string | null =>
      password === null ? stored[algorithm] : ha1Of(algorithm, name, realm, password);
    const ha1 = offered(allowMd5, onlyMd5).flatMap((algorithm) => {
      const digest = made(algorithm);
      return digest === null ? [] : [[algorithm, digest] as const];
    });
    if (ha1.length === 0) {
      this.#needs.refuse(
        [...path, 'secret'],
        'a password, or a digest by an algorithm in use',
        'set secret, secretFile or ha1Sha256',
      );
    }
    return { name, ha1: Object.fromEntries(ha1) };
  }

  #checkUnique(key: 'trunks' | 'users', what: string): void {
    const names = this.#sip[key].map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      this.#needs.refuse(['sip', key, index, 'name'], `a name no other ${what} has`, 'rename one of the two');
    }
  }
}
