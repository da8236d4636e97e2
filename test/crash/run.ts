// `npm run crash [-- --kills 1000]`: kill -9 in the middle of writes. Exits 1 when anything was lost.

import { onBothDatabases, readNumbers, report } from "../long-run.ts";
import { runCrashes } from "./crash.ts";

const kills = readNumbers({ kills: 1_000 })("kills");
/** Number of kills of the gateway for each kill of the database. */
const DATABASE_EVERY = 20;

await onBothDatabases(async (name, settings, server) => {
  report(`${name}:`);
  const { acknowledged, wrong } = await runCrashes({
    kills,
    settings,
    ...(server && { killDatabase: { every: DATABASE_EVERY, act: () => server.restart() } }),
  });
  const databases = server ? ` (and ${Math.floor(kills / DATABASE_EVERY)} of the database)` : "";
  report(`${kills} kill -9${databases}, ${acknowledged} writes acknowledged, ${wrong.length} lost or corrupt`, wrong);
});
