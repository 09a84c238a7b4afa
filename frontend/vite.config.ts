import { defineConfig } from 'vite';

// No preset and no Babel: JSX is compiled by Vite's own transformer. Nothing may be inlined, because the
// production policy (script-src 'self'; style-src 'self') allows neither inline scripts nor data: URLs.
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { modulePreload: { polyfill: false }, assetsInlineLimit: 0, target: 'es2022' },
  server: { proxy: { '/api': 'http://127.0.0.1:8000' } },
});
