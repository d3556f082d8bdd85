import { defineConfig } from "vitest/config";

// One browser at a time, and time for an incident to appear.
export default defineConfig({
  test: {
    include: ["e2e/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 60_000,
  },
});
