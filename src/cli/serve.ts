// `countersign serve`: runs the gateway until a signal or an uncaught error.

import { statSync } from "node:fs";
import type { Command } from "commander";
import type { Gateway } from "../app.ts";
import { dataDirOf, devEnvironment, processEnvironment, readConfig } from "../config.ts";
import { AuthError } from "../core/errors.ts";
import { LostSecretsError } from "../core/registry/secrets.ts";
import { monotonicNow } from "../telemetry/clock.ts";
import { CommandFailure, writeResult } from "./output.ts";
import { startLines } from "./start-lines.ts";

/** npm passes on a signal that the terminal gave the whole group: the two are one. */
const SIGNAL_ECHO_MS = 1_000;

/** Time to write the log before a second uncaught error ends the process, in milliseconds. */
const LAST_LINE_MS = 100;

interface ServeOptions {
  readonly dev?: boolean;
  readonly forgetLostSecrets?: boolean;
}

/** Adds `serve`. */
export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the gateway")
    .option("--dev", "make secrets and a demo device in the data directory where they are missing")
    .option(
      "--forget-lost-secrets",
      "the master key is lost: give up the customer keys that were sealed with it, and sign with a new key where that is lost",
    )
    .option("--json", "print JSON")
    .action(async (options: ServeOptions, command: Command) => {
      const gateway = await start(options);
      // Heard before it is said that all is up: whoever waits for that may send one at once.
      const signalled = untilSignal();
      let isFailed = false;
      const failed = untilUncaught(gateway).then(() => {
        isFailed = true;
      });
      announce(command, gateway, options.dev ?? false);
      await Promise.race([signalled, failed]);
      await gateway.close();
      if (isFailed) process.exit(1);
    });
}

async function start({ dev = false, forgetLostSecrets = false }: ServeOptions): Promise<Gateway> {
  const environment = processEnvironment();
  const dataDir = dataDirOf(environment);
  const demo = dev ? await import("./demo.ts") : undefined;
  try {
    requireOwnDirectory(dataDir);
    const config = readConfig(demo ? devEnvironment(environment, demo.prepareDevSecrets(dataDir)) : environment, {
      dev,
    });
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
    throw explainStart(error) ?? error;
  }
}

/** @throws CommandFailure when other users may replace the files of the data directory */
function requireOwnDirectory(dataDir: string): void {
  // Windows has no such mode. A missing directory is made for its owner alone.
  const mode = process.platform === "win32" ? 0 : (statSync(dataDir, { throwIfNoEntry: false })?.mode ?? 0);
  if ((mode & 0o022) === 0) return;
  throw new CommandFailure(`other users may write to the data directory ${dataDir}. Run: chmod go-w ${dataDir}`);
}

/** What keeps a gateway from starting and is no bug, in one clear line. */
function explainStart(error: unknown): CommandFailure | undefined {
  if (error instanceof LostSecretsError) {
    return new CommandFailure(
      `${error.message}. Set COUNTERSIGN_MASTER_KEY, or add to COUNTERSIGN_OTHER_MASTER_KEYS, the one that sealed them. If that is lost, start once with --forget-lost-secrets: customer keys that it sealed are then given up, to be imported anew, and tokens are signed with a new key where theirs is lost (docs/secrets.md)`,
    );
  }
  // A refusal of the registry's, such as that its database went away in between.
  if (error instanceof AuthError) {
    return error.reason === "unavailable" ? new CommandFailure(error.message) : undefined;
  }
  if (!(error instanceof Error)) return undefined;
  // Those of the store and of the limiter, which are loaded later.
  if (["SealError", "DatabaseError", "RedisSetupError"].includes(error.name)) return new CommandFailure(error.message);
  if (!("code" in error)) return undefined;
  const { code } = error;
  const place =
    "address" in error && "port" in error
      ? `${error.address}:${error.port}`
      : "path" in error
        ? String(error.path)
        : "the data directory";
  switch (code) {
    case "EADDRINUSE":
      return new CommandFailure(
        `${place} is in use by another program. Stop it, or set COUNTERSIGN_PUBLIC_LISTEN and COUNTERSIGN_INTERNAL_LISTEN to free ports`,
      );
    case "EADDRNOTAVAIL":
      return new CommandFailure(
        `${place} is no address of this machine. Set COUNTERSIGN_PUBLIC_LISTEN and COUNTERSIGN_INTERNAL_LISTEN to ones that are`,
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new CommandFailure(`${place} may not be used (${code}). Choose another, or allow it`);
    case "ERR_SQLITE_ERROR":
      return new CommandFailure(`the database cannot be used: ${error.message}`);
    // PostgreSQL's, while the schema is brought up to date.
    case "42501":
      return new CommandFailure(
        `the database cannot be used: ${error.message}. Let its user make tables: grant create on schema public`,
      );
    case "25006":
      return new CommandFailure(
        `the database cannot be used: ${error.message}. It is a standby, or set to be read alone: connect to the primary`,
      );
    default:
      return undefined;
  }
}

function announce(command: Command, gateway: Gateway, dev: boolean): void {
  const dataDir = processEnvironment()["COUNTERSIGN_DATA_DIR"];
  const { publicUrl, internalUrl } = gateway;
  writeResult(command, { public: publicUrl, internal: internalUrl }, startLines(gateway, { dev, dataDir }));
}

/** Waits for SIGINT or SIGTERM; a second one, not an echo of the first, ends the process at once. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (first === undefined) {
          first = monotonicNow();
          resolve();
        } else if (monotonicNow() - first > SIGNAL_ECHO_MS) {
          process.exit(1);
        }
      });
    }
  });
}

/** Waits for an error that nothing caught, and reports it; a second one ends the process. */
function untilUncaught(gateway: Gateway): Promise<void> {
  return new Promise((resolve) => {
    let isSecond = false;
    const report = (error: unknown): void => {
      gateway.reportUncaught(error);
      if (isSecond) setTimeout(() => process.exit(1), LAST_LINE_MS);
      isSecond = true;
      resolve();
    };
    process.on("uncaughtException", report);
    process.on("unhandledRejection", report);
  });
}
