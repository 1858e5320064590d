import { type ComponentType, render } from 'preact';
import { useState } from 'preact/hooks';
import './base.css';
import type { ApiClient } from './http.ts';
import { SignIn } from './sign-in.tsx';
import { applyTheme, storedTheme } from './theme.ts';

export interface SignedInProps {
  readonly api: ApiClient;
  /** Forgets the key. */
  readonly signOut: () => void;
}

/** Puts a page that needs nothing before its key into the document. */
export function mount(title: string, Page: ComponentType<SignedInProps>): void {
  applyTheme(storedTheme());
  const place = document.getElementById('page');
  if (place) render(<Gate title={title} Page={Page} />, place);
}

function Gate({ title, Page }: { readonly title: string; readonly Page: ComponentType<SignedInProps> }) {
  const [api, setApi] = useState<ApiClient | null>(null);
  if (!api) return <SignIn title={title} onSignedIn={setApi} />;
  return <Page api={api} signOut={() => setApi(null)} />;
}
