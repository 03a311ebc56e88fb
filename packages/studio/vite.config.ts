/**
 * Builds the page into handful's dist, where the studio's server finds it. Nothing is inlined, so that the page runs under a
 * content security policy that allows scripts, styles and workers of its own origin only.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig(({ mode }) => ({
  root: here('.'),
  base: './',
  build: {
    outDir: here('../handful/dist/page'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
    // `--mode mock` builds the page over made-up images, for the tests.
    rolldownOptions: { input: here(mode === 'mock' ? 'mock.html' : 'index.html') },
  },
}))
