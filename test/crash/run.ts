// `npm run crash [-- --kills 1000 --on sqlite|postgres]`: kill -9 in the middle of writes. Exits 1 when anything was lost.

import { parseArgs } from "node:util";
import { startPostgres } from "../postgres/server.ts";
import { type CrashOptions, runCrashes } from "./crash.ts";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "1000" }, on: { type: "string", multiple: true, default: [] } },
});
const kills = Number(values.kills);
const on = values.on.length === 0 ? ["sqlite", "postgres"] : values.on;
/** The database itself is killed so much more seldom than the gateway. */
const DATABASE_EVERY = 20;

for (const name of on) {
  const server = name === "postgres" ? await startPostgres() : undefined;
  const options: CrashOptions = {
    kills,
    databaseUrl: server?.url,
    ...(server && { killDatabase: { every: DATABASE_EVERY, act: () => server.restart() } }),
    onKill: (done, acknowledged) => {
      if (done % 100 === 0) process.stdout.write(`  ${done} kills, ${acknowledged} writes acknowledged\n`);
    },
  };
  process.stdout.write(`${name}:\n`);
  const { acknowledged, wrong } = await runCrashes(options);
  await server?.stop();
  const databases = server ? ` (and ${Math.floor(kills / DATABASE_EVERY)} of the database)` : "";
  process.stdout.write(
    `${kills} kill -9${databases}, ${acknowledged} writes acknowledged, ${wrong.length} lost or corrupt\n`,
  );
  for (const line of wrong.slice(0, 20)) process.stdout.write(`  ${line}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}
