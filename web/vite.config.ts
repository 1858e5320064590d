import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const kRoot = fileURLToPath(new URL('.', import.meta.url));
const kPages = ['desk', 'wallboard', 'call'];

/**
 * Builds the pages into build/web: one HTML file per page, everything else under assets/ with its hash in its name. Nothing is
 * inlined, because the content security policy of the pages forbids it.
 */
export default defineConfig({
  root: kRoot,
  base: '/',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../build/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: Object.fromEntries(kPages.map((page) => [page, `${kRoot}${page}/index.html`])),
    },
  },
});
