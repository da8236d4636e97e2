// `countersign serve`: runs the gateway until a signal or an uncaught error.

import { statSync } from "node:fs";
import type { Command } from "commander";
import type { Gateway } from "../app.ts";
import { dataDirOf, devEnvironment, processEnvironment, readConfig } from "../config.ts";
import { AuthError } from "../core/errors.ts";
import { LostSecretsError } from "../core/registry/secrets.ts";
import { codeOf } from "../setting-readers.ts";
import { monotonicNow } from "../telemetry/clock.ts";
import { CommandFailure, writeResult } from "./terminal/output.ts";

/** Two signals within this time count as one: the terminal and npm may both send it. */
const SIGNAL_ECHO_MS = 1_000;

/** Time to write the log when a second uncaught error ends the process, in milliseconds. */
const LAST_LINE_MS = 100;

interface ServeOptions {
  readonly dev?: boolean;
  readonly forgetLostSecrets?: boolean;
}

/** Adds `serve`. */
export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the gateway: its addresses go to standard output, its log to standard error")
    .option("--dev", "create secrets and a demo device in the data directory where they are missing")
    .option(
      "--forget-lost-secrets",
      "drop the secrets that a lost master key sealed; a lost signing key is replaced, customer keys have to be imported again",
    )
    .action(async (options: ServeOptions, command: Command) => {
      const { dev = false } = options;
      const gateway = await start(options);
      // Before the addresses are printed: their reader may send a signal at once.
      const end = watchProcess(gateway);
      const dataDir = processEnvironment()["COUNTERSIGN_DATA_DIR"];
      const { publicUrl, internalUrl } = gateway;
      const signIn = dev ? await gateway.createSignInLink() : undefined;
      const lines = startLines(gateway, { dev, dataDir, signIn });
      writeResult(command, { public: publicUrl, internal: internalUrl, ...(signIn && { dashboard: signIn }) }, lines);
      await end.promise;
      await gateway.close();
      if (end.isFailed()) process.exit(1);
    });
}

/** The lines that `serve` prints: its addresses and, with --dev, a login to try. `dataDir` is the setting, undefined if not set. */
export function startLines(
  { publicUrl, internalUrl }: Pick<Gateway, "publicUrl" | "internalUrl">,
  { dev, dataDir, signIn }: { dev: boolean; dataDir: string | undefined; signIn?: string | undefined },
): readonly string[] {
  const setting = dataDir === undefined ? "" : `COUNTERSIGN_DATA_DIR=${dataDir} `;
  const trust = publicUrl?.startsWith("https:") ? " (curl may need --cacert FILE)" : "";
  const another = `Another: ${setting}npx countersign dashboard`;
  const dashboard = ["", `Open the dashboard by this link, once and within a minute. ${another}`, `  ${signIn}`];
  const demo = [
    "",
    `Log in as the demo device${trust}:`,
    `  ${setting}npx countersign sign --demo | curl -sS --json @- ${publicUrl}/auth/login`,
  ];
  return [
    ...(publicUrl ? [`public   ${publicUrl}   devices: REST, Connect, gRPC-Web, gRPC`] : []),
    ...(internalUrl ? [`internal ${internalUrl}   services and operators`] : []),
    ...(signIn === undefined ? [] : dashboard),
    ...(dev && publicUrl ? demo : []),
  ];
}

async function start({ dev = false, forgetLostSecrets = false }: ServeOptions): Promise<Gateway> {
  const environment = processEnvironment();
  const dataDir = dataDirOf(environment);
  const demo = dev ? await import("./demo.ts") : undefined;
  try {
    requirePrivateDirectory(dataDir);
    const settings = demo ? devEnvironment(environment, demo.prepareDevSecrets(dataDir)) : environment;
    const config = readConfig(settings, { dev });
    const { startGateway } = await import("../app.ts");
    const gateway = await startGateway(config, { forgetLostSecrets });
    try {
      await demo?.enrolDemoDevice(dataDir, gateway.registry);
    } catch (error) {
      await gateway.close();
      throw error;
    }
    return gateway;
  } catch (error) {
    const message = explainStart(error);
    throw message === undefined ? error : new CommandFailure(message);
  }
}

/** @throws CommandFailure when other users may replace the files of the data directory */
function requirePrivateDirectory(dataDir: string): void {
  // Windows has no file modes. A missing directory is created for its owner alone.
  const mode = process.platform === "win32" ? 0 : (statSync(dataDir, { throwIfNoEntry: false })?.mode ?? 0);
  if ((mode & 0o022) === 0) return;
  throw new CommandFailure(`other users may write to the data directory ${dataDir}. Run: chmod go-w ${dataDir}`);
}

/** Why a gateway does not start, and the cure; undefined for a bug. */
function explainStart(error: unknown): string | undefined {
  if (error instanceof LostSecretsError) {
    return `${error.message}. Set COUNTERSIGN_MASTER_KEY to the key that sealed them, or add it to COUNTERSIGN_OTHER_MASTER_KEYS. If that key is lost, start once with --forget-lost-secrets, which drops the secrets that it sealed, and import the customer keys again (docs/secrets.md)`;
  }
  // The database may also fail after it was opened.
  if (error instanceof AuthError) return error.reason === "unavailable" ? error.message : undefined;
  if (!(error instanceof Error)) return undefined;
  // Errors of the store and of the limiter, which are loaded later.
  if (["SealError", "DatabaseError", "RedisSetupError", "TracingError"].includes(error.name)) return error.message;
  const address =
    "address" in error && "port" in error
      ? `${error.address}:${error.port}`
      : "path" in error
        ? String(error.path)
        : "the data directory";
  const listeners = "COUNTERSIGN_PUBLIC_LISTEN and COUNTERSIGN_INTERNAL_LISTEN";
  const database = `the database cannot be used: ${error.message}`;
  const code = codeOf(error);
  const causes: Readonly<Record<string, string>> = {
    EADDRINUSE: `${address} is in use by another program. Stop it, or set ${listeners} to free ports`,
    EADDRNOTAVAIL: `${address} is not an address of this machine. Set ${listeners} to addresses that are`,
    EACCES: `${address} may not be used (${code}). Choose another, or allow it`,
    ERR_SQLITE_ERROR: database,
    // PostgreSQL's codes while the schema is migrated: insufficient_privilege and read_only_sql_transaction.
    "42501": `${database}. Allow its user to create tables: grant create on schema public`,
    "25006": `${database}. It is a standby, or read-only: connect to the primary`,
  };
  return causes[["EPERM", "EROFS"].includes(code) ? "EACCES" : code];
}

/**
 * Resolves at SIGINT, SIGTERM or an uncaught error, which is logged. A second signal or error ends the process, unless it is
 * an echo of the first signal.
 */
function watchProcess(gateway: Gateway): { readonly promise: Promise<void>; isFailed(): boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (firstAt !== undefined && monotonicNow() - firstAt > SIGNAL_ECHO_MS) process.exit(1);
      firstAt ??= monotonicNow();
      resolve();
    });
  }
  let errors = 0;
  const report = (error: unknown): void => {
    gateway.reportUncaught(error);
    if (errors++ > 0) setTimeout(() => process.exit(1), LAST_LINE_MS);
    resolve();
  };
  process.on("uncaughtException", report);
  process.on("unhandledRejection", report);
  return { promise, isFailed: () => errors > 0 };
}
