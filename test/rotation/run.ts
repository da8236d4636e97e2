// `npm run rotation [-- --seconds 60 --rate 100]`: a login key replaced under load. Exits 1 when a login was refused.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../postgres/server.ts";
import { runRotation } from "./rotation.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, rate: { type: "string", default: "100" } },
});
const DEVICES = 500;
const rate = Number(values.rate);
const loginsBetween = Math.ceil((Number(values.seconds) * rate) / DEVICES);
const folder = mkdtempSync(join(tmpdir(), "countersign-rotation-"));
const postgres = await startPostgres();

for (const [name, settings] of [
  ["SQLite", { DATA_DIR: folder }],
  ["PostgreSQL", { DATABASE_URL: postgres.url }],
] as const) {
  const report = await runRotation({ devices: DEVICES, rate, loginsBetween, settings });
  const { logins, refused, stopped, moved, oldKeyIsOver } = report;
  process.stdout.write(
    `${name}, two gateways: ${logins} logins at ${rate} a second, ${refused.length} refused; retiring the old key would have stopped ` +
      `${stopped.before} devices at first and ${stopped.after} at the end, ${moved} having the new one; the old one ${oldKeyIsOver ? "is refused" : "is NOT refused"}\n`,
  );
  for (const text of new Set(refused)) process.stdout.write(`  ${text}\n`);
  if (refused.length > 0 || stopped.after > 0 || !oldKeyIsOver) process.exitCode = 1;
}
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
