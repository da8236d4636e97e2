// `npm run test:interop`: foreign clients call a gateway on both listeners.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { say } from "../requirements.ts";
import { apacheRows } from "./apache.ts";
import { balancerRows } from "./balancers.ts";
import { bufRows } from "./buf.ts";
import { dashboardRows } from "./dashboard.ts";
import { deployRows } from "./deploy.ts";
import { devicePageRows } from "./device-page.ts";
import { exampleRows } from "./examples.ts";
import { grpcioRows } from "./grpcio.ts";
import { openapiRows } from "./openapi.ts";
import { LONGEST_MS, type Row } from "./rows.ts";
import { type Address, openSubject, type Subject } from "./subject.ts";
import { webRows } from "./web.ts";

const { values } = parseArgs({
  options: {
    /** Runs the rows whose names start with this. */
    only: { type: "string", default: "" },
    public: { type: "string" },
    internal: { type: "string" },
  },
});

/** A gateway for tests: the rows enrol devices, and call every method of operators. */
function readAddress(): Address | undefined {
  const { public: publicUrl, internal: internalUrl } = values;
  const adminToken = process.env["COUNTERSIGN_ADMIN_TOKEN"];
  if (publicUrl === undefined && internalUrl === undefined) return undefined;
  if (publicUrl !== undefined && internalUrl !== undefined && adminToken) return { publicUrl, internalUrl, adminToken };
  throw new Error("--public and --internal go together, and need COUNTERSIGN_ADMIN_TOKEN");
}

async function runRow({ name, run, longestMs = LONGEST_MS }: Row): Promise<boolean> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${longestMs / 1000} s`)), longestMs);
  const mistakes = await Promise.race([run(), late]).catch((error: unknown) => [String(error)]);
  clearTimeout(timer);
  say(`${name}: ${mistakes.length === 0 ? "ok" : mistakes.join("; ")}`);
  return mistakes.length === 0;
}

async function runRows(subject: Subject, folder: string): Promise<number> {
  const headers = join(folder, "headers");
  writeFileSync(headers, `Authorization: Bearer ${subject.adminToken}\n`, { mode: 0o600 });
  const rows = [
    ...grpcioRows(subject, folder),
    ...exampleRows(subject, folder),
    ...devicePageRows(subject, folder),
    ...balancerRows(folder),
    ...apacheRows(),
    ...deployRows(subject, folder),
    ...openapiRows(subject, folder),
    ...dashboardRows(),
    ...webRows(),
    ...bufRows(subject.publicUrl, subject.internalUrl, headers),
  ].filter(({ name }) => name.startsWith(values.only));
  if (rows.length === 0) throw new Error(`no row starts with ${values.only}`);
  let failed = 0;
  for (const row of rows) if (!(await runRow(row))) failed += 1;
  say(`${rows.length - failed} passed, ${failed} failed`);
  return failed;
}

const subject = await openSubject(readAddress());
const folder = mkdtempSync(join(tmpdir(), "countersign-interop-"));
let failed = 1;
try {
  failed = await runRows(subject, folder);
} finally {
  rmSync(folder, { recursive: true });
  await subject.close();
}
// A client that timed out may keep the process alive.
process.exit(failed === 0 ? 0 : 1);
