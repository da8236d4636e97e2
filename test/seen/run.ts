// `npm run seen [-- --rounds 1000]`: changes at one gateway, and the next login or check at another. Exits 1 for a stale answer.

import { onBothDatabases, readNumbers, report } from "../long-run.ts";
import { countStale } from "./seen.ts";

const rounds = readNumbers({ rounds: 1_000 })("rounds");
await onBothDatabases(async (name, settings) => {
  report(`${name}:`);
  for (const { change, changes, stale } of await countStale(settings, rounds)) {
    report(`  ${change.padEnd(34)} ${changes} times, ${stale} stale`, [], stale > 0);
  }
});
