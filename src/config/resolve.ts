import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isAbsolute, join } from 'node:path';
import type { PaymentPolicy, Route } from '../dialog/policy.ts';
import { parseMajor } from '../money/money.ts';
import { isEncryptedWay } from '../sdp/protection.ts';
import { apiSettings, httpTls } from './api-resolver.ts';
import { readTls } from './certificates.ts';
import type { CaptureSettings, Config, GatewaySettings, SipServer } from './config.ts';
import { gatewaySettings, paymentTypesOf } from './gateway-resolver.ts';
import { kSecretText } from './keys.ts';
import { checkTrunkLimits, merchants } from './merchant-resolver.ts';
import { type Mistake, shownValue } from './mistakes.ts';
import type { CheckedFile } from './schema.ts';
import { secretOrigin } from './secret-origin.ts';
import type { TlsSettings } from './transport.ts';
import { type Path, pathText, valueAt } from './tree.ts';
import { TrustResolver } from './trust-resolver.ts';
import { webhooks } from './webhook-resolver.ts';

/**
 * Turns a checked file into what the program uses: reads the files it names, and makes the checks that concern several keys.
 * The configuration holds only if there are no mistakes.
 */
export class Resolver {
  readonly mistakes: Mistake[] = [];
  /** Absolute. */
  readonly filesRead = new Set<string>();
  readonly #file: CheckedFile;
  readonly #root: string;
  readonly #placeOf: (path: Path) => string;
  readonly #environment: NodeJS.ProcessEnv;

  /**
   * @param root - relative paths count from this folder.
   * @param placeOf - where a value came from, such as `sip.port (HUSHPAY_SIP_PORT)`.
   * @param environment - where secrets may be.
   */
  constructor(
    file: CheckedFile,
    root: string,
    placeOf: (path: Path) => string,
    environment: NodeJS.ProcessEnv,
  ) {
    this.#environment = environment;
    this.#file = file;
    this.#root = root;
    this.#placeOf = placeOf;
  }

  get #tools() {
    return {
      secret: (path: Path, value: string | null, file: string | null) => this.#secret(path, value, file),
      text: (path: Path, file: string) => this.#fileText(path, file),
      refuse: (path: Path, expects: string, remedy: string) => this.#refuse(path, expects, remedy),
    };
  }

  config(): Config {
    const { sip, media, http, pages, velocity, routes, inline, handOver, traces, log, production } =
      this.#file;
    const { locale, currency } = this.#file;
    this.#checkProduction();
    this.#checkTrunkNames();
    this.#checkRecordingKeys();
    checkTrunkLimits(this.#file, (path, expects, remedy) => this.#refuse(path, expects, remedy));
    const gateway = this.#gateway(['gateway'], this.#file.gateway);
    const trust = new TrustResolver(sip, this.#tools);
    return {
      sip: {
        ...sip,
        trunks: trust.trunks(),
        users: trust.users(),
        server: this.#sipServer(sip.server),
        tls: this.#tls(),
        capture: this.#capture(),
      },
      media: { ...media, ports: portRange(media.ports) },
      http: { ...http, tls: httpTls(this.#file, this.#tools) },
      pages: { embedIn: pages.embedIn, softphone: softphone(pages.softphone) },
      api: apiSettings(this.#file, this.#tools),
      dataDir: this.#absolute(this.#file.dataDir),
      audit: { keyFile: this.#absolute(this.#file.audit.keyFile ?? join(this.#file.dataDir, 'audit.key')) },
      retention: this.#file.retention,
      recording: {
        ...this.#file.recording,
        directory: this.#absolute(this.#file.recording.directory ?? join(this.#file.dataDir, 'recordings')),
      },
      audioDir: this.#absolute(this.#file.audioDir),
      locale,
      currency,
      payment: this.#payment(['payment'], this.#file.payment, currency, gateway),
      gateway,
      velocity,
      merchants: merchants(this.#file, {
        ...this.#tools,
        common: gateway,
        payment: (...asked) => this.#payment(...asked),
        gateway: (path, own) => this.#gateway(path, own),
        absolute: (path) => this.#absolute(path),
      }),
      webhooks: webhooks(this.#file.webhooks, this.#tools),
      routes,
      inline,
      handOver,
      traces,
      log,
      production,
    };
  }

  /** Routes, hand-over and recording name trunks, and merchants. */
  #checkTrunkNames(): void {
    const { sip, inline, handOver, recording, merchants } = this.#file;
    const named: [Path, string | null][] = inline.routes.flatMap(({ from, through }, index) => [
      [['inline', 'routes', index, 'from'], from],
      [['inline', 'routes', index, 'through'], through],
    ]);
    named.push([['handOver', 'through'], handOver.through]);
    named.push([['recording', 'siprec', 'trunk'], recording.siprec.trunk]);
    for (const [index, name] of recording.trunks.entries())
      named.push([['recording', 'trunks', index], name]);
    const known = sip.trunks.map(({ name }) => name);
    for (const [path, name] of named) {
      if (name !== null && !known.includes(name))
        this.#refuse(path, 'the name of a trunk in sip.trunks', 'add the trunk there, or correct the name');
    }
    const ids = merchants.map(({ id }) => id);
    for (const [index, id] of recording.merchants.entries()) {
      if (!ids.includes(id))
        this.#refuse(['recording', 'merchants', index], 'an id in merchants', 'add it there, or correct it');
    }
  }

  /** Encryption that is required needs a way for its keys. */
  #checkRecordingKeys(): void {
    const { server, encryption, keysInClear } = this.#file.recording.siprec;
    if (server === null || encryption !== 'required' || keysInClear || isEncryptedWay(server)) return;
    this.#refuse(
      ['recording', 'siprec', 'server'],
      '`sips:`, or a URI with `;transport=tls`, because encryption is `required`: keys would travel in clear',
      'call it by TLS, or set recording.siprec.keysInClear',
    );
  }

  /** The files are read for their mistakes; what is in them when the server starts is what counts. */
  #tls(): TlsSettings {
    const { tls, transports } = this.#file.sip;
    const certificates = tls.certificates.map(({ certFile, keyFile }) => ({
      certFile: this.#absolute(certFile),
      keyFile: this.#absolute(keyFile),
    }));
    const settings = {
      ...tls,
      certificates,
      caFile: tls.caFile === null ? null : this.#absolute(tls.caFile),
    };
    const needs = transports.find((transport) => transport === 'tls' || transport === 'wss');
    if (needs && certificates.length === 0) {
      const expects = `at least one certificate, because sip.transports has \`${needs}\``;
      this.#refuse(['sip', 'tls', 'certificates'], expects, 'name one, with its key');
    }
    if (tls.clients !== 'ignored' && tls.caFile === null) {
      const expects = `a file, because sip.tls.clients is \`${tls.clients}\``;
      this.#refuse(['sip', 'tls', 'caFile'], expects, 'name the authority of the certificates of your peers');
    }
    for (const { path, expects, remedy } of readTls(settings, new Date()).problems) {
      this.#refuse(path, expects, remedy);
    }
    return settings;
  }

  #capture(): CaptureSettings | null {
    const { server, agentId, password } = this.#file.sip.capture;
    if (server === null) return null;
    const colon = server.lastIndexOf(':');
    const host = server.slice(0, colon).replace(/^\[|\]$/g, '');
    const port = Number(server.slice(colon + 1));
    if (isIP(host) === 0 || port < 1 || port > 65_535) {
      this.#refuse(['sip', 'capture', 'server'], 'IP address and port', 'write it like `10.20.0.9:9060`');
    }
    return { host, port, agentId, password };
  }

  #payment(
    path: Path,
    payment: CheckedFile['payment'],
    currency: string,
    gateway: GatewaySettings,
  ): PaymentPolicy {
    const { amount } = payment;
    const minorOf = (key: 'min' | 'max' | 'perCustomer') =>
      this.#minorUnits([...path, 'amount', key], amount[key], currency);
    const [min, max, perCustomer] = [minorOf('min'), minorOf('max'), minorOf('perCustomer')];
    if (min !== null && max !== null && min > max) {
      const other = pathText([...path, 'amount', 'max']);
      this.#refuse([...path, 'amount', 'min'], `no more than ${other}`, `lower it, or raise ${other}`);
    }
    const operations = paymentTypesOf(gateway);
    if (!operations.includes(payment.operation)) {
      this.#refuse(
        [...path, 'operation'],
        operations.map((type) => `\`${type}\``).join(', '),
        `gateway type \`${gateway.type}\` has no \`${payment.operation}\`: choose one of these, or another gateway (docs/gateways.md)`,
      );
    }
    const onReached = { ...payment.declines.onReached, route: payment.declines.onReached.route as Route };
    return {
      ...payment,
      operations,
      amount: { ...amount, currency, min, max, perCustomer },
      declines: { ...payment.declines, onReached },
      failRoute: payment.failRoute as Route,
      agent: { ...payment.agent, onPaid: payment.agent.onPaid as Route },
      company: 'alone',
    };
  }

  #minorUnits(path: Path, major: string | null, currency: string): number | null {
    if (major === null) return null;
    const amount = parseMajor(major, currency);
    if (!amount) {
      const expects = `an amount with no more decimals than ${currency} has`;
      this.#refuse(path, expects, 'drop the decimals the currency has not');
    }
    return amount?.minor ?? null;
  }

  #gateway(at: Path, gateway: CheckedFile['gateway']): GatewaySettings {
    return gatewaySettings(gateway, at, {
      ...this.#tools,
      origin: (text) => secretOrigin(text, this.#environment, (path) => this.#absolute(path)),
      absolute: (path) => this.#absolute(path),
    });
  }

  /** A secret from its key or from the file its `…File` key names. */
  #secret(path: Path, value: string | null, file: string | null): string | null {
    if (file === null) return value;
    const filePath = [...path.slice(0, -1), `${String(path.at(-1))}File`];
    if (value !== null)
      this.#refuse(filePath, `null, because ${pathText(path)} is set too`, 'keep one of the two');
    const secret = this.#secretText(filePath, file)?.trim() ?? null;
    if (secret !== null && !kSecretText.test(secret)) {
      this.#refuse(
        filePath,
        'a file with one secret in it, without blanks',
        'write the secret, and nothing else, into the file',
      );
    }
    return secret;
  }

  #secretText(path: Path, file: string): string | null {
    const origin = secretOrigin(file, this.#environment, (each) => this.#absolute(each));
    if (origin.kind === 'file') return this.#fileText(path, origin.path);
    if (origin.kind === 'variable') return origin.value;
    this.#refuse(path, origin.expects, origin.remedy);
    return null;
  }

  #fileText(path: Path, file: string): string | null {
    this.filesRead.add(this.#absolute(file));
    try {
      return readFileSync(this.#absolute(file), 'utf8');
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      this.#refuse(
        path,
        `a file that can be read (${reason})`,
        'correct the path, or let the user hushpay runs as read it',
      );
      return null;
    }
  }

  #checkProduction(): void {
    const { production, gateway, merchants } = this.#file;
    if (!production.enabled || production.allowSimulator) return;
    const all: [Path, { readonly type: string } | null][] = [
      [['gateway'], gateway],
      ...merchants.map((merchant, index): [Path, typeof gateway | null] => [
        ['merchants', index, 'gateway'],
        merchant.gateway,
      ]),
    ];
    for (const [path, each] of all) {
      if (each?.type !== 'simulator') continue;
      const expects = 'a real gateway, because production.enabled is true';
      this.#refuse([...path, 'type'], expects, 'configure the gateway, or set production.allowSimulator');
    }
  }

  #sipServer(text: string): SipServer {
    const server = sipServer(text);
    if (server.kind === 'drachtio' && server.secret === kInstalledSecret) {
      const expects = 'a secret of your own, not the one drachtio-server is installed with';
      this.#refuse(['sip', 'server'], expects, 'change it there (drachtio.conf.xml) and here');
    }
    return server;
  }

  #refuse(path: Path, expects: string, remedy: string): void {
    const value = shownValue(path, valueAt(this.#file, path));
    this.mistakes.push({ place: this.#placeOf(path), value, expects, remedy });
  }

  #absolute(path: string): string {
    return isAbsolute(path) ? path : join(this.#root, path);
  }
}

const kInstalledSecret = 'cymru';

function sipServer(text: string): SipServer {
  if (text === 'embedded') return { kind: 'embedded' };
  const url = new URL(text.replace(/^drachtio:/, 'http:'));
  const port = Number(/:(\d+)$/.exec(text)?.[1]); // URL drops the port 80
  return { kind: 'drachtio', host: url.hostname, port, secret: decodeURIComponent(url.password) };
}

function softphone({ server, domain }: CheckedFile['pages']['softphone']): Config['pages']['softphone'] {
  return server === null ? null : { server, domain };
}

function portRange(text: string): { min: number; max: number } {
  const [min = 0, max = 0] = text.split('-').map(Number);
  return { min, max };
}
