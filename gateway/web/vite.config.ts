import { defineConfig } from "vite";

// The page is served by the gateway from the same origin; in development vite passes calls on to a running Triflow.
const triflow = process.env.TRIFLOW_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    // No inlined assets: the content security policy allows nothing but files of this origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { host: "127.0.0.1", proxy: { "^/triflow\\.": triflow, "/api": triflow } },
});
