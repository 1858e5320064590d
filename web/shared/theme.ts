export type Theme = 'auto' | 'light' | 'dark';

const kThemes: readonly Theme[] = ['auto', 'light', 'dark'];
const kName = 'hushpay.theme';

/** What the reader chose last; a browser that keeps nothing, as in some frames, means `auto`. */
export function storedTheme(): Theme {
  const stored = read(kName);
  return kThemes.find((theme) => theme === stored) ?? 'auto';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  keep(kName, theme);
}

export function nextTheme(theme: Theme): Theme {
  return kThemes[(kThemes.indexOf(theme) + 1) % kThemes.length] ?? 'auto';
}

/** Preferences only: nothing of a payment and no key is ever kept. */
export function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // it holds as long as the page
  }
}
