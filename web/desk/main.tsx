import { render } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import '../shared/base.css';
import './desk.css';
import { type ApiClient, wordsOf } from '../shared/http.ts';
import { type PageSettings, readSettings } from '../shared/settings.ts';
import { SignIn, signedIn } from '../shared/sign-in.tsx';
import { applyTheme, storedTheme } from '../shared/theme.ts';
import { Desk } from './desk.tsx';
import { Embedding } from './embedding.ts';
import type { HostMessage } from './host-message.ts';

/** Signs in by the form, or by the page around the desk. The form is there before the settings are. */
function DeskPage() {
  const [settings, setSettings] = useState<PageSettings | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [api, setApi] = useState<ApiClient | null>(null);
  const [asked, setAsked] = useState<HostMessage | null>(null);
  const embedding = useMemo(() => settings && new Embedding(settings.embedIn, setAsked), [settings]);
  const enter = useCallback(
    (client: ApiClient) => {
      setApi(client);
      embedding?.tell({ type: 'signed-in' });
    },
    [embedding],
  );
  const signOut = useCallback(() => {
    setApi(null);
    embedding?.tell({ type: 'signed-out' });
  }, [embedding]);

  useEffect(() => {
    readSettings().then(setSettings, (error: unknown) => setProblem(wordsOf(error)));
  }, []);
  useEffect(() => {
    embedding?.tell({ type: 'ready' });
    return () => embedding?.close();
  }, [embedding]);
  useEffect(() => {
    if (asked?.type === 'sign-out') signOut();
    if (asked?.type !== 'sign-in') return;
    signedIn(asked.key).then(enter, (error: unknown) =>
      embedding?.tell({ type: 'problem', detail: wordsOf(error) }),
    );
  }, [asked, enter, signOut, embedding]);

  if (problem !== null) return <p class="notice bad">{problem}</p>;
  if (!api) return <SignIn title="Agent desk" onSignedIn={enter} />;
  if (!settings || !embedding) return null;
  return <Desk api={api} settings={settings} embedding={embedding} asked={asked} signOut={signOut} />;
}

applyTheme(storedTheme());
const place = document.getElementById('page');
if (place) render(<DeskPage />, place);
