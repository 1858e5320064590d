/** What the server says to every page before anybody has signed in; none of it is secret. */
export interface PageSettings {
  readonly currency: string;
  /** Origins of the pages these may be shown in. */
  readonly embedIn: readonly string[];
  /** Where the softphone connects; null: there is none. */
  readonly softphone: { readonly server: string; readonly domain: string } | null;
}

export async function readSettings(): Promise<PageSettings> {
  const response = await fetch('/pages/settings.json', { credentials: 'omit' });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as PageSettings;
}
