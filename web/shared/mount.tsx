import { type ComponentType, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import './base.css';
import type { ApiClient } from './http.ts';
import { SignIn } from './sign-in.tsx';
import { applyTheme, storedTheme } from './theme.ts';

export interface SignedInProps {
  readonly api: ApiClient;
  /** Forgets the key. */
  readonly signOut: () => void;
}

type Page = ComponentType<SignedInProps>;

/**
 * Puts a page into the document, behind the form that asks for its key.
 * @param load - brings the page itself, while the form is filled in.
 */
export function mount(title: string, load: () => Promise<Page>): void {
  applyTheme(storedTheme());
  const place = document.getElementById('page');
  if (place) render(<Gate title={title} load={load} />, place);
}

function Gate({ title, load }: { readonly title: string; readonly load: () => Promise<Page> }) {
  const [api, setApi] = useState<ApiClient | null>(null);
  const [page, setPage] = useState<{ readonly Page: Page } | null>(null);
  useEffect(() => {
    void load().then((Page) => setPage({ Page }));
  }, [load]);
  if (!api) return <SignIn title={title} onSignedIn={setApi} />;
  return page && <page.Page api={api} signOut={() => setApi(null)} />;
}
