// `npm run test:interop`: foreign clients call a gateway on both listeners.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN, openGateway, type TestGateway } from "../gateway.ts";
import { say } from "../requirements.ts";
import { apacheRows } from "./apache.ts";
import { balancerRows } from "./balancers.ts";
import { bufRows } from "./buf.ts";
import { dashboardRows } from "./dashboard.ts";
import { deployRows } from "./deploy.ts";
import { devicePageRows } from "./device-page.ts";
import { exampleRows } from "./examples.ts";
import { openapiRows } from "./openapi.ts";
import { LONGEST_MS, type Row } from "./rows.ts";
import { webRows } from "./web.ts";

/** `only`: runs the rows whose names start with this. */
const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });

async function runRow({ name, run, longestMs = LONGEST_MS }: Row): Promise<boolean> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${longestMs / 1000} s`)), longestMs);
  const mistakes = await Promise.race([run(), late]).catch((error: unknown) => [String(error)]);
  clearTimeout(timer);
  say(`${name}: ${mistakes.length === 0 ? "ok" : mistakes.join("; ")}`);
  return mistakes.length === 0;
}

async function runRows(gateway: TestGateway, folder: string): Promise<number> {
  const headers = join(folder, "headers");
  writeFileSync(headers, `Authorization: Bearer ${ADMIN_TOKEN}\n`, { mode: 0o600 });
  const rows = [
    ...exampleRows(gateway, folder),
    ...devicePageRows(gateway, folder),
    ...balancerRows(folder),
    ...apacheRows(),
    ...deployRows(gateway, folder),
    ...openapiRows(gateway, folder),
    ...dashboardRows(),
    ...webRows(),
    ...bufRows(gateway.internalUrl, headers),
  ].filter(({ name }) => name.startsWith(values.only));
  if (rows.length === 0) throw new Error(`no row starts with ${values.only}`);
  let failed = 0;
  for (const row of rows) if (!(await runRow(row))) failed += 1;
  say(`${rows.length - failed} passed, ${failed} failed`);
  return failed;
}

const gateway = await openGateway({ LOGIN_LIMIT: "1000/60s" });
const folder = mkdtempSync(join(tmpdir(), "countersign-interop-"));
let failed = 1;
try {
  failed = await runRows(gateway, folder);
} finally {
  rmSync(folder, { recursive: true });
  await gateway.close();
}
// A client that timed out may keep the process alive.
process.exit(failed === 0 ? 0 : 1);
