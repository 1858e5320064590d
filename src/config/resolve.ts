import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isAbsolute, join } from 'node:path';
import type { PaymentPolicy, Route } from '../dialog/policy.ts';
import { parseMajor } from '../money/money.ts';
import { readTls } from './certificates.ts';
import type { CaptureSettings, Config, GatewaySettings, SipServer } from './config.ts';
import { gatewaySettings } from './gateway-resolver.ts';
import { kSecretText } from './keys.ts';
import { type Mistake, shownValue } from './mistakes.ts';
import type { CheckedFile } from './schema.ts';
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
  readonly #file: CheckedFile;
  readonly #root: string;
  readonly #placeOf: (path: Path) => string;

  /**
   * @param root - relative paths count from this folder.
   * @param placeOf - where a value came from, such as `sip.port (HUSHPAY_SIP_PORT)`.
   */
  constructor(file: CheckedFile, root: string, placeOf: (path: Path) => string) {
    this.#file = file;
    this.#root = root;
    this.#placeOf = placeOf;
  }

  config(): Config {
    const { sip, media, http, api, velocity, routes, inline, handOver, log, production } = this.#file;
    const { locale, currency } = this.#file;
    this.#checkProduction();
    this.#checkTrunkNames();
    const trust = new TrustResolver(sip, {
      secret: (path, value, file) => this.#secret(path, value, file),
      refuse: (path, expects, remedy) => this.#refuse(path, expects, remedy),
    });
    return {
      sip: {
        ...sip,
        trunks: trust.trunks(),
        users: trust.users(),
        server: sipServer(sip.server),
        tls: this.#tls(),
        capture: this.#capture(),
      },
      media: { ...media, ports: portRange(media.ports) },
      http,
      api: { key: this.#secret(['api', 'key'], api.key, api.keyFile) },
      dataDir: this.#absolute(this.#file.dataDir),
      audit: { keyFile: this.#absolute(this.#file.audit.keyFile ?? join(this.#file.dataDir, 'audit.key')) },
      audioDir: this.#absolute(this.#file.audioDir),
      locale,
      currency,
      payment: this.#payment(),
      gateway: this.#gateway(),
      velocity,
      webhooks: webhooks(this.#file.webhooks, {
        secret: (path, value, file) => this.#secret(path, value, file),
        refuse: (path, expects, remedy) => this.#refuse(path, expects, remedy),
      }),
      routes,
      inline,
      handOver,
      log,
      production,
    };
  }

  /** Routes and hand-over name trunks. */
  #checkTrunkNames(): void {
    const { sip, inline, handOver } = this.#file;
    const named: [Path, string | null][] = inline.routes.flatMap(({ from, through }, index) => [
      [['inline', 'routes', index, 'from'], from],
      [['inline', 'routes', index, 'through'], through],
    ]);
    named.push([['handOver', 'through'], handOver.through]);
    const known = sip.trunks.map(({ name }) => name);
    for (const [path, name] of named) {
      if (name !== null && !known.includes(name))
        this.#refuse(path, 'the name of a trunk in sip.trunks', 'add the trunk there, or correct the name');
    }
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

  #payment(): PaymentPolicy {
    const { payment } = this.#file;
    const min = this.#minorUnits(['payment', 'amount', 'min'], payment.amount.min);
    const max = this.#minorUnits(['payment', 'amount', 'max'], payment.amount.max);
    if (min !== null && max !== null && min > max) {
      this.#refuse(
        ['payment', 'amount', 'min'],
        'no more than payment.amount.max',
        'lower it, or raise payment.amount.max',
      );
    }
    const onReached = { ...payment.declines.onReached, route: payment.declines.onReached.route as Route };
    return {
      ...payment,
      amount: { ...payment.amount, currency: this.#file.currency, min, max },
      declines: { ...payment.declines, onReached },
      failRoute: payment.failRoute as Route,
      agent: { ...payment.agent, onPaid: payment.agent.onPaid as Route },
      company: 'alone',
    };
  }

  #minorUnits(path: Path, major: string | null): number | null {
    if (major === null) return null;
    const amount = parseMajor(major, this.#file.currency);
    if (!amount) {
      const expects = `an amount with no more decimals than ${this.#file.currency} has`;
      this.#refuse(path, expects, 'drop the decimals the currency has not');
    }
    return amount?.minor ?? null;
  }

  #gateway(): GatewaySettings {
    return gatewaySettings(this.#file.gateway, {
      secret: (path, value, file) => this.#secret(path, value, file),
      text: (path, file) => this.#fileText(path, file),
      absolute: (path) => this.#absolute(path),
      refuse: (path, expects, remedy) => this.#refuse(path, expects, remedy),
    });
  }

  /** A secret from its key or from the file its `…File` key names. */
  #secret(path: Path, value: string | null, file: string | null): string | null {
    if (file === null) return value;
    const filePath = [...path.slice(0, -1), `${String(path.at(-1))}File`];
    if (value !== null)
      this.#refuse(filePath, `null, because ${pathText(path)} is set too`, 'keep one of the two');
    const secret = this.#fileText(filePath, file)?.trim() ?? null;
    if (secret !== null && !kSecretText.test(secret)) {
      this.#refuse(
        filePath,
        'a file with one secret in it, without blanks',
        'write the secret, and nothing else, into the file',
      );
    }
    return secret;
  }

  #fileText(path: Path, file: string): string | null {
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
    const { production, gateway } = this.#file;
    if (!production.enabled || production.allowSimulator || gateway.type !== 'simulator') return;
    const expects = 'a real gateway, because production.enabled is true';
    this.#refuse(['gateway', 'type'], expects, 'configure the gateway, or set production.allowSimulator');
  }

  #refuse(path: Path, expects: string, remedy: string): void {
    const value = shownValue(path, valueAt(this.#file, path));
    this.mistakes.push({ place: this.#placeOf(path), value, expects, remedy });
  }

  #absolute(path: string): string {
    return isAbsolute(path) ? path : join(this.#root, path);
  }
}

function sipServer(text: string): SipServer {
  if (text === 'embedded') return { kind: 'embedded' };
  const url = new URL(text.replace(/^drachtio:/, 'http:'));
  const port = Number(/:(\d+)$/.exec(text)?.[1]); // URL drops the port 80
  return { kind: 'drachtio', host: url.hostname, port, secret: decodeURIComponent(url.password) };
}

function portRange(text: string): { min: number; max: number } {
  const [min = 0, max = 0] = text.split('-').map(Number);
  return { min, max };
}
