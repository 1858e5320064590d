import { useState } from 'preact/hooks';
import { ApiClient, ApiProblem, wordsOf } from './http.ts';

export interface SignInProps {
  /** What the page is called. */
  readonly title: string;
  readonly onSignedIn: (api: ApiClient) => void;
}

/** Asks for the key, once per page: it is kept in memory only. */
export function SignIn({ title, onSignedIn }: SignInProps) {
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    try {
      onSignedIn(await signedIn(key.trim()));
    } catch (error) {
      setProblem(
        error instanceof ApiProblem && error.status === 401 ? 'This key is not known.' : wordsOf(error),
      );
    } finally {
      setIsBusy(false);
    }
  };

  return (
    <main class="sign-in">
      <form class="panel stack" onSubmit={(event) => void submit(event)}>
        <div>
          <h1>{title}</h1>
          <p class="muted small">Sign in with the key you were given.</p>
        </div>
        <div>
          <label for="key">Key</label>
          <input
            id="key"
            type="password"
            autocomplete="current-password"
            required
            value={key}
            aria-describedby={problem ? 'sign-in-problem' : undefined}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </div>
        {problem && (
          <p id="sign-in-problem" class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <button class="main" type="submit" disabled={isBusy}>
          Sign in
        </button>
        <p class="muted small">The key stays in this page and is forgotten when you close it.</p>
      </form>
    </main>
  );
}

/** A client whose key the server takes. @throws ApiProblem */
export async function signedIn(key: string): Promise<ApiClient> {
  const api = new ApiClient(key);
  await api.post('/v1/event-tickets');
  return api;
}
