import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApi } from './api/api.ts';
import { keysOf, masterKeyOf } from './api/key-ring.ts';
import { OidcTokens } from './api/tokens.ts';
import { FrontDesk } from './call/front-desk.ts';
import { LiveFeed } from './call/live-feed.ts';
import { CertificateWatch } from './config/certificate-watch.ts';
import type { Config } from './config/config.ts';
import type { SecretWatchNeeds } from './config/secret-watch.ts';
import { childStates, sipHost, sipServer, startChildren } from './main/children.ts';
import { merchantsOf } from './main/merchants.ts';
import { changeDetail, strandedState } from './main/open-payments.ts';
import { PaymentLanes } from './main/payment-lanes.ts';
import { recordingOf } from './main/recording.ts';
import { secretsFor } from './main/secrets.ts';
import { registrationState, registrationsOf } from './main/trunks.ts';
import { loadVoices } from './main/voices.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { Phrase, Prompts } from './ports/prompts.ts';
import { kSystemClock } from './process/system-clock.ts';
import { SipFrontEnd } from './sip/front-end.ts';
import { CheckpointThread } from './store/checkpoint-thread.ts';
import { ReportThread } from './store/report-thread.ts';
import { Retention } from './store/retention.ts';
import { SessionWriter } from './store/session-writer.ts';
import { kStoreFile, openStore, type Store } from './store/store.ts';
import { followFigures, meterOf } from './telemetry/figures.ts';
import { Health, type HealthState } from './telemetry/health.ts';
import { createLog, type LogOptions } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { Webhooks } from './webhook/webhooks.ts';

/** A server that takes calls. */
export interface Server {
  /** Where SIP is taken: by the embedded edge, or as the drachtio-server says. */
  readonly listen: readonly { readonly transport: string; readonly host: string; readonly port: number }[];
  readonly httpUrl: string;
  /** The key that may do everything; null where there is none. */
  readonly apiKey: string | null;
  /** Resolves with the reason once no call can be taken any more, because a child process that all need dies again and again. */
  readonly failed: Promise<string>;
  /** Reads keys, secrets, credentials and certificates again; starts child processes that were given up. */
  reload(): void;
  /** Takes no new call, waits for the running ones (at most so long), and stops everything. A second stop does nothing. */
  stop(options: { readonly drainMs: number }): Promise<void>;
}

/** What a demonstration or a test wants to see; left out: what `hushpay serve` does. */
export interface ServerOptions {
  readonly clock?: Clock;
  /** Where log lines go; standard output if not given. */
  readonly logDestination?: LogOptions['destination'];
  /** Where secrets are read again; left out: only what gateways and certificates of SIP have in files of their own. */
  readonly secrets?: Pick<SecretWatchNeeds, 'loaded' | 'reread'>;
  /** Told of every phrase as it is begun. No phrase holds a card digit. */
  readonly onPhrase?: (phrase: Phrase) => void;
}

const kPagesFolder = fileURLToPath(new URL('../build/web', import.meta.url));
const kLastWordsMs = 5_000; // from the end of draining to the end of everything: BYEs, verdicts in flight

/**
 * Builds every adapter, wires them to the calls and starts taking calls.
 * @throws AppError of what could not be started; what was started before it is stopped again.
 */
export async function startServer(config: Config, options: ServerOptions = {}): Promise<Server> {
  const { clock = kSystemClock, logDestination: destination, onPhrase } = options;
  const metrics = createMetrics();
  const log = createLog({
    level: config.log.level,
    onScrubbed: () => metrics.logScrubbed(),
    ...(destination && { destination }),
  });
  await using undo = new AsyncDisposableStack();

  const voices = loadVoices(config, log, (locale) => metrics.promptMissing(locale));
  const promptsOf = (audioDir: string) =>
    onPhrase ? overheard(voices.promptsOf(audioDir), onPhrase) : voices.promptsOf(audioDir);
  const file = join(config.dataDir, kStoreFile);
  const store = openStore({
    ...{ file, auditKeyFile: config.audit.keyFile, log, isRead: true, isCheckpointed: true },
    onAuditFailed: () => metrics.auditFailed(),
  });
  undo.defer(() => {
    noteInAudit(store, 'server.stopped', log);
    store.close();
  });
  noteInAudit(store, 'server.started', log);
  const checkpoints = new CheckpointThread(file, clock, log);
  checkpoints.start();
  undo.defer(() => checkpoints.close());
  const retention = new Retention(store, config.retention, clock, log);
  retention.start();
  undo.defer(() => retention.stop());
  const orphans = store.endOrphans(clock.date().toISOString());
  if (orphans > 0) log.warn({ sessions: orphans }, 'ended the sessions of a process that died');
  const records = new SessionWriter(store, clock, log);
  undo.defer(() => records.stop());
  const feed = new LiveFeed(store, clock, log);
  const { url, token } = config.traces;
  if (url !== null) {
    const { CallTraces } = await import('./telemetry/call-traces.ts'); // costs nothing where it is not asked for
    const traces = new CallTraces({ url, token }, { feed, find: (sessionId) => records.find(sessionId) });
    undo.defer(() => traces.close());
  }
  const lanes = new PaymentLanes(config, {
    journal: store,
    ledger: store,
    clock,
    log,
    onRequest: (figures) => metrics.gatewayRequest(figures),
    onResolved: (name, { state, attempt }) => {
      metrics.reversal(name, state.toLowerCase());
      feed.publish(attempt.sessionId, 'resolved', { resolution: state });
    },
    onChanged: (record) => feed.publish(record.sessionId, 'changed', changeDetail(record)),
    mayCharge: (request) => merchants.mayCharge(request),
  });
  undo.defer(() => lanes.stop());
  const merchants = merchantsOf(config, { lanes, promptsOf, spending: store, clock });
  await lanes.start();
  const { gateway, payments, isUp } = lanes.common;

  const secret = randomBytes(18).toString('base64url'); // between control and its edge
  const [media, edge] = await startChildren(config, voices.clips, secret, clock, log, undo);
  const frontEnd = new SipFrontEnd(config.sip.trunks, clock, log);
  const recording = await recordingOf(config, { plane: media, signaling: frontEnd, clock, log }, undo);
  const desk = new FrontDesk(
    {
      settings: {
        policy: config.payment,
        currency: config.currency,
        locale: config.locale,
        onMissingParameters: config.sip.onMissingParameters,
        announcement: config.sip.announcement === 'off' ? null : config.sip.announcement,
        routes: config.routes,
        advertisedAddress: config.media.advertise,
        inline: config.inline,
        handOver: config.handOver,
        trunks: config.sip.trunks,
        merchants,
        recording,
      },
      plane: media,
      signaling: frontEnd,
      prompts: promptsOf(config.audioDir),
      payments,
      gateway: { name: gateway.name, isUp },
      records,
      meter: meterOf(
        metrics,
        config.merchants.map(({ id }) => id),
      ),
      feed,
      clock,
      log,
    },
    () => sipHost(edge?.listen ?? frontEnd.listen, config),
  );
  frontEnd.register(registrationsOf(config));
  frontEnd.onCall((call) => desk.take(call));
  undo.defer(() => frontEnd.close());
  await frontEnd.connect(sipServer(config, edge, secret));

  const health = new Health();
  health.add('sip', () =>
    state(frontEnd.connected && edge?.up !== false, edge?.trouble ?? 'the SIP server is not connected'),
  );
  if (frontEnd.registrations.length > 0) health.add('registrations', () => registrationState(frontEnd));
  health.add('media', () => state(media.up, media.trouble ?? 'no media worker is up', media.trouble));
  for (const { merchantId, trouble } of lanes.all) {
    const name = merchantId === null ? 'gateway' : `gateway ${merchantId}`;
    health.add(name, () => state(trouble() === undefined, trouble() ?? ''));
  }
  health.add('open payments', () => strandedState(lanes.strandedOf(store.countOpen())));
  health.add('store', () => store.check());
  const webhooks = new Webhooks({
    settings: config.webhooks,
    outbox: store.outbox,
    events: store,
    feed,
    records,
    clock,
    log,
    onTry: (webhook, outcome) => metrics.webhookTried(webhook, outcome),
  });
  webhooks.start();
  undo.defer(() => webhooks.stop());
  const reports = new ReportThread({ file, auditKeyFile: config.audit.keyFile });
  undo.defer(() => reports.close());
  const apiKey = masterKeyOf(config.api);
  const api = createApi({
    ...config.http,
    keys: keysOf(config.api, apiKey),
    tokens: config.api.oidc && new OidcTokens({ ...config.api, ...config.api.oidc }, log),
    answers: store.answers,
    records,
    payments: {
      ledger: store,
      onSettled: (sessionId, resolution) => feed.publish(sessionId, 'resolved', { resolution }),
      resolveNow: () => lanes.resolveNow(),
      followUps: {
        request: (request) => lanes.followUp(request),
        journal: store.followUps,
        onSettled: (record) => feed.publish(record.sessionId, 'changed', changeDetail(record)),
      },
    },
    reports,
    events: { log: store, feed },
    webhooks: {
      webhooks: config.webhooks,
      outbox: store.outbox,
      hurry: () => webhooks.hurry(),
    },
    clock,
    sessions: desk,
    currencyOf: (merchantId) =>
      config.merchants.find(({ id }) => id === merchantId)?.currency ?? config.currency,
    pages: { folder: kPagesFolder, ...config.pages },
    audit: {
      entriesOf: (sessionId) => store.audit.entriesOf(sessionId),
      page: (limit, before) => store.audit.page(limit, before),
      verify: (anchor) => reports.verifyAudit(anchor),
    },
    ladderOf: async (callId) => edge?.ladder(callId),
    metrics,
    health,
    log,
  });
  undo.defer(() => api.stop());
  const httpUrl = await api.start();
  undo.defer(
    followFigures(
      metrics,
      {
        gateways: () => lanes.all.map((lane) => ({ name: lane.gateway.name, isUp: lane.isUp() })),
        open: () => store.countOpen(),
        strandedOf: (open) => lanes.strandedOf(open),
        countOutbox: () => store.outbox.countWaiting(),
        children: () => childStates(media, edge),
        workers: () => media.stats(),
        edge: () => edge?.stats(),
        registrations: () => frontEnd.registrations,
      },
      clock,
    ),
  );

  const certificates = new CertificateWatch({
    settings: config.sip.tls,
    clock,
    log,
    apply: (material) => edge?.reloadTls(material),
  });
  certificates.start();
  undo.defer(() => certificates.stop());

  const failed = Promise.withResolvers<string>();
  media.onAllGivenUp(() => failed.resolve(media.trouble ?? ''));
  edge?.onGivenUp(() => failed.resolve(edge.trouble ?? ''));
  const secrets =
    options.secrets &&
    secretsFor({ api, apiKey, webhooks, frontEnd, edge }, { ...options.secrets, clock, log });
  secrets?.start();
  undo.defer(() => secrets?.stop());

  const started = undo.move();
  let stopped: Promise<void> | undefined;
  return {
    listen: edge?.listen ?? frontEnd.listen,
    httpUrl,
    apiKey,
    failed: failed.promise,
    reload() {
      secrets?.reload();
      certificates.reload();
      lanes.reload();
      media.retry();
      edge?.retry();
    },
    stop({ drainMs }) {
      stopped ??= drain(desk, health, drainMs, clock).then(() => started.disposeAsync());
      return stopped;
    },
  };
}

/** The anchor in the log shows later that nothing was taken out of the audit, to whoever keeps the log elsewhere. */
function noteInAudit(store: Store, action: string, log: Log): void {
  try {
    store.record({ actor: 'hushpay', action, object: 'server', detail: {} });
    const { seq, mac } = store.audit.head();
    log.info({ anchor: `${seq}:${mac}` }, 'the audit goes on from here');
  } catch (error) {
    log.error({ err: error }, 'the audit could not be written');
  }
}

function overheard(prompts: Prompts, onPhrase: (phrase: Phrase) => void): Prompts {
  return {
    items: (phrase, locale, card) => {
      onPhrase(phrase);
      return prompts.items(phrase, locale, card);
    },
  };
}

function state(ok: boolean, reason: string, detail?: string): HealthState {
  if (!ok) return { ok, reason };
  return detail === undefined ? { ok } : { ok, detail };
}

async function drain(desk: FrontDesk, health: Health, drainMs: number, clock: Clock): Promise<void> {
  health.drain();
  const drained = desk.drain();
  const cancelAbandon = clock.schedule(drainMs, () => desk.abandon());
  const late = Promise.withResolvers<void>();
  const cancelLate = clock.schedule(drainMs + kLastWordsMs, late.resolve);
  await Promise.race([drained, late.promise]);
  cancelAbandon();
  cancelLate();
}
