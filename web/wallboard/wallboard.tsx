import { useCallback, useMemo, useState } from 'preact/hooks';
import { Bar, LiveBadge } from '../shared/bar.tsx';
import { plain, shapeText } from '../shared/format.ts';
import type { SignedInProps } from '../shared/mount.tsx';
import { HistoryView } from './history-view.tsx';
import { NowView } from './now-view.tsx';
import type { Filter } from './report.ts';
import { useLive } from './use-live.ts';
import './wallboard.css';

const kTopologies = ['ivr', 'conference', 'inline', 'secure_transfer', 'guest'] as const;
type View = 'now' | 'history';

/** What supervisors see: now, or any time before. */
export function Wallboard({ api, signOut }: SignedInProps) {
  const [view, setView] = useState<View>('now');
  const [topology, setTopology] = useState('');
  const [merchant, setMerchant] = useState('');
  const filter = useMemo<Filter>(() => ({ topology, merchant }), [topology, merchant]);
  const leave = useCallback(() => signOut(), [signOut]);
  const { live, state } = useLive(api, filter, leave);
  const merchants = [...new Set(live?.latest.flatMap(({ merchantId }) => merchantId ?? []) ?? [])].sort();
  return (
    <>
      <a class="skip" href="#wallboard">
        To the figures
      </a>
      <Bar title="Wallboard">
        <LiveBadge state={state} />
        <nav class="row" aria-label="View">
          {(['now', 'history'] as const).map((each) => (
            <button
              key={each}
              type="button"
              class="quiet"
              aria-current={view === each ? 'page' : undefined}
              onClick={() => setView(each)}
            >
              {plain(each)}
            </button>
          ))}
        </nav>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </Bar>
      <main id="wallboard" class="page board">
        <div class="row apart filters">
          <h1>{view === 'now' ? 'Today' : 'History'}</h1>
          <div class="row">
            <label>
              <span class="unseen">Shape of call</span>
              <select value={topology} onChange={({ currentTarget }) => setTopology(currentTarget.value)}>
                <option value="">All shapes of call</option>
                {kTopologies.map((each) => (
                  <option key={each} value={each}>
                    {shapeText(each)}
                  </option>
                ))}
              </select>
            </label>
            <label>
              <span class="unseen">Merchant</span>
              <input
                list="merchants"
                placeholder="All merchants"
                value={merchant}
                onChange={({ currentTarget }) => setMerchant(currentTarget.value.trim())}
              />
              <datalist id="merchants">
                {merchants.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            </label>
          </div>
        </div>
        {view === 'history' && <HistoryView api={api} filter={filter} />}
        {view === 'now' && (live ? <NowView live={live} /> : <p class="muted">Reading the figures…</p>)}
      </main>
    </>
  );
}
