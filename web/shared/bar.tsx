import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import icon from './icon.svg';
import type { StreamState } from './stream-event.ts';
import { applyTheme, nextTheme, storedTheme, type Theme } from './theme.ts';

const kThemeNames: Readonly<Record<Theme, string>> = { auto: 'Auto', light: 'Light', dark: 'Dark' };

/** The bar on top of every page. */
export function Bar({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  const [theme, setTheme] = useState(storedTheme);
  const change = () => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  return (
    <header class="bar">
      <div class="mark">
        <img src={icon} alt="" />
        <span>
          hushpay <span class="where">{title}</span>
        </span>
      </div>
      {children}
      <button type="button" class="quiet" onClick={change} aria-label={`Colours: ${kThemeNames[theme]}`}>
        {kThemeNames[theme]}
      </button>
    </header>
  );
}

const kStates: Readonly<Record<StreamState, { readonly text: string; readonly kind: string }>> = {
  live: { text: 'Live', kind: 'good live' },
  connecting: { text: 'Connecting', kind: 'warn' },
  waiting: { text: 'Reconnecting', kind: 'bad' },
};

/** Whether what is shown is what goes on now. */
export function LiveBadge({ state }: { readonly state: StreamState }) {
  const { text, kind } = kStates[state];
  return (
    <span class={`badge ${kind}`} role="status">
      {text}
    </span>
  );
}
