import { cardText, dateAndTime, durationText, plain, shapeText } from '../shared/format.ts';
import { ScrollBox } from '../shared/scroll-box.tsx';
import type { SessionView } from '../shared/session.ts';
import { kStepNames, kSteps, type Step, stepOf } from '../shared/steps.ts';
import { clampReadings, gatewayReadings, mediaReadings, type Reading } from './health.ts';
import { KpiTiles } from './kpi-tiles.tsx';
import { Plot } from './plot.tsx';
import { seriesOf } from './series.ts';
import { ShareBar } from './share-bar.tsx';
import type { EndedSession, Live } from './use-live.ts';

/** What goes on now, and today so far. */
export function NowView({ live }: { readonly live: Live }) {
  const { today, yesterday, calls, latest, samples } = live;
  const fromMs = Date.parse(today.from);
  return (
    <>
      <KpiTiles figures={today.total} before={yesterday.total} beforeName="yesterday by now" />
      <div class="columns wide">
        <section class="panel" aria-labelledby="trend">
          <header>
            <h2 id="trend">Today by the hour</h2>
          </header>
          <Plot
            series={seriesOf(today.periods, 'hour', fromMs, Math.max(live.atMs, fromMs + 1))}
            label="Today by the hour"
          />
        </section>
        <ActiveSteps calls={calls} />
      </div>
      <div class="columns three">
        <Readings title="Gateway" readings={gatewayReadings(live)} />
        <Readings title="Clamp" readings={clampReadings(today.clamp, samples)} />
        <Readings title="Server" readings={mediaReadings(live)} />
      </div>
      <div class="columns wide">
        <Latest sessions={latest} />
        <Running calls={calls} />
      </div>
    </>
  );
}

/** How many sessions are at which step. */
function ActiveSteps({ calls }: { readonly calls: readonly SessionView[] }) {
  const counts = new Map<Step, number>();
  for (const { stage, state } of calls) {
    const step = state === 'paying' ? stepOf(stage ?? '') : undefined;
    if (step !== undefined) counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  const talking = calls.filter(({ state }) => state !== 'paying').length;
  return (
    <section class="panel" aria-labelledby="steps">
      <header>
        <h2 id="steps">Active by step</h2>
        <span class="muted small">{calls.length} on the line</span>
      </header>
      <dl class="steps">
        {kSteps.map((step) => (
          <div key={step}>
            <dt>{kStepNames[step]}</dt>
            <dd>
              <ShareBar value={counts.get(step) ?? 0} most={most} />
              <span>{counts.get(step) ?? 0}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p class="muted small">{talking} before or after a payment</p>
    </section>
  );
}

function Readings({ title, readings }: { readonly title: string; readonly readings: readonly Reading[] }) {
  const isBad = readings.some(({ tone }) => tone === 'bad');
  const isWarn = readings.some(({ tone }) => tone === 'warn');
  return (
    <section class="panel readings" aria-label={`${title} health`}>
      <header>
        <h2>{title}</h2>
        <span class={`badge ${isBad ? 'bad' : isWarn ? 'warn' : 'good'}`}>
          {isBad ? 'Needs attention' : isWarn ? 'Watch' : 'Well'}
        </span>
      </header>
      <dl>
        {readings.map(({ name, value, tone }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={tone}>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Running({ calls }: { readonly calls: readonly SessionView[] }) {
  return (
    <section class="panel" aria-labelledby="running">
      <header>
        <h2 id="running">On the line</h2>
      </header>
      {calls.length === 0 && <p class="muted">Nobody pays right now.</p>}
      <ul class="running">
        {calls.map((call) => (
          <li key={call.id}>
            <a href={`/calls/${encodeURIComponent(call.id)}`}>
              {call.customerId ?? call.asked?.customerId ?? 'Not named'}
            </a>
            <span class="muted small">
              {[shapeText(call.topology), cardText(call.brand, call.last4)].filter(Boolean).join(' · ')}
            </span>
            <span class={`badge ${call.secure ? 'good' : ''}`}>
              {plain(call.stage ?? call.state ?? 'waiting')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const kOutcomeTones: Readonly<Record<string, string>> = { success: 'good', failed: 'bad', unknown: 'warn' };

function Latest({ sessions }: { readonly sessions: readonly EndedSession[] }) {
  return (
    <section class="panel" aria-labelledby="latest">
      <header>
        <h2 id="latest">Latest payments</h2>
      </header>
      <ScrollBox label="Table of the latest payments">
        <table>
          <thead>
            <tr>
              <th>Began</th>
              <th>Customer</th>
              <th>Shape</th>
              <th>Result</th>
              <th class="number">Took</th>
            </tr>
          </thead>
          <tbody>
            {sessions.map((session) => (
              <tr key={session.id}>
                <td>
                  <a href={`/calls/${encodeURIComponent(session.id)}`}>{dateAndTime(session.startedAt)}</a>
                </td>
                <td>{session.customerId ?? '–'}</td>
                <td>{shapeText(session.topology)}</td>
                <td>
                  <span class={`badge ${kOutcomeTones[session.outcome ?? ''] ?? ''}`}>
                    {session.result === null ? 'Running' : plain(session.result)}
                  </span>
                </td>
                <td class="number">{durationText(session.durationMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}
