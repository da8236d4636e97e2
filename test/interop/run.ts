// `npm run test:interop`: foreign clients call a gateway on both listeners.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LoginBody } from "../../src/cli/sign.ts";
import { installMissing, say } from "../requirements.ts";
import { apacheRows } from "./apache.ts";
import { balancerRows } from "./balancers.ts";
import { bufRows, type Row } from "./buf.ts";
import { dashboardRows } from "./dashboard.ts";
import { deployRows } from "./deploy.ts";
import { devicePageRows } from "./device-page.ts";
import { EXAMPLE_REQUIREMENTS, EXAMPLE_ROWS, exampleRows } from "./examples.ts";
import { LANGUAGES } from "./languages.ts";
import { callLogin, NODE_CLIENTS } from "./node-clients.ts";
import { openapiRows } from "./openapi.ts";
import { succeed } from "./programs.ts";
import { type Address, openRelay, openSubject, type Subject } from "./subject.ts";
import { webRows } from "./web.ts";

/** A row is given up after this, in milliseconds. */
const LONGEST_MS = 60_000;

/** The report of a client on its calls. Codes are gRPC's. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  token: /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/,
  remaining: /^\d+$/,
  wrong: /^16$/,
  reason: /^invalid_credentials$/,
  cancelled: /^1$/,
  late: /^4$/,
  answered: /^50$/,
};

const { values } = parseArgs({
  options: {
    /** The rows whose names start so. */
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

/** The rows of one client that calls Login: one for each listener. Over HTTP/2 it has to keep its connection. */
function loginRows(
  client: string,
  subject: Subject,
  isHttp2: boolean,
  call: (url: string, login: LoginBody) => Promise<object>,
): readonly Row[] {
  const listeners = { public: subject.publicUrl, internal: subject.internalUrl };
  return Object.entries(listeners).map(([port, url]) => ({
    name: `${client}, ${port}`,
    async run() {
      const relay = await openRelay(url);
      try {
        const found = new Map<string, unknown>(Object.entries(await call(relay.url, await subject.enrol())));
        const wrong = Object.entries(EXPECTED).filter(([name, pattern]) => !pattern.test(String(found.get(name))));
        const mistakes = wrong.map(([name]) => (name === "token" ? "no token" : `${name} is ${found.get(name)}`));
        if (isHttp2 && relay.connections() !== 1) mistakes.push(`${relay.connections()} connections`);
        return mistakes;
      } finally {
        relay.close();
      }
    },
  }));
}

/** Installs and builds the clients in other languages; one that cannot be built fails in its rows. */
async function languageRows(subject: Subject, folder: string): Promise<readonly Row[]> {
  const wanted = LANGUAGES.filter(({ name }) => isWanted(name) || values.only.startsWith(name));
  const missing = installMissing(wanted);
  const rows: Row[] = [];
  for (const language of wanted) {
    const { name, packages } = language;
    const own = join(folder, name);
    mkdirSync(own);
    const built = missing.includes(language)
      ? `not run. Type: apt-get install ${packages.join(" ")}`
      : await language.build(own).catch(String);
    const call = async (url: string, login: LoginBody): Promise<object> => {
      if (typeof built === "string") throw new Error(built);
      return JSON.parse(await succeed([...built, new URL(url).host], LONGEST_MS, JSON.stringify(login)));
    };
    rows.push(...loginRows(name, subject, true, call));
  }
  return rows;
}

function isWanted(name: string): boolean {
  return name.startsWith(values.only);
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
  // One that cannot be installed fails in its row.
  if (EXAMPLE_ROWS.startsWith(values.only) || values.only.startsWith(EXAMPLE_ROWS))
    installMissing(EXAMPLE_REQUIREMENTS);
  const rows = [
    ...(await languageRows(subject, folder)),
    ...NODE_CLIENTS.flatMap(({ name, isHttp2, open }) =>
      loginRows(name, subject, isHttp2, (url, login) => callLogin(open(url), login)),
    ),
    ...exampleRows(subject, folder),
    ...devicePageRows(subject, folder, isWanted),
    ...balancerRows(folder, isWanted),
    ...apacheRows(isWanted),
    ...deployRows(subject, folder, isWanted),
    ...openapiRows(subject, folder),
    ...dashboardRows(),
    ...webRows(),
    ...bufRows(subject.publicUrl, subject.internalUrl, headers),
  ].filter(({ name }) => isWanted(name));
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
// A client that was given up may still hold the process.
process.exit(failed === 0 ? 0 : 1);
