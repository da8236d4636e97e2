// A gateway as an operator runs it, in a process of its own that can be killed and started again on the same data.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";

const LAUNCHER = join(import.meta.dirname, "../../bin/countersign.js");
const ADMIN_TOKEN = "crash-admin-token-0123456789";

export interface CrashingGateway {
  readonly admin: Client<typeof AdminService>;
  readonly publicUrl: string;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts it; `databaseUrl` undefined: on SQLite in the folder. */
export async function startCrashingGateway(folder: string, databaseUrl: string | undefined): Promise<CrashingGateway> {
  const child = spawn(process.execPath, [LAUNCHER, "serve", "--json"], {
    env: {
      PATH: process.env["PATH"],
      COUNTERSIGN_DATA_DIR: folder,
      COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0",
      COUNTERSIGN_MASTER_KEY: "00".repeat(32),
      COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
      COUNTERSIGN_ISSUER: "https://login.example",
      COUNTERSIGN_AUDIENCE: "devices",
      COUNTERSIGN_TOKEN_ALG: "EdDSA",
      COUNTERSIGN_LOGIN_LIMIT: "off",
      COUNTERSIGN_ADDRESS_LIMIT: "off",
      COUNTERSIGN_LOG_LEVEL: "error",
      ...(databaseUrl !== undefined && { COUNTERSIGN_DATABASE_URL: databaseUrl }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let told = "";
  child.stderr.on("data", (chunk) => {
    told = (told + String(chunk)).slice(-4_096);
  });
  const exited = once(child, "exit").then(() => {
    running.delete(child);
    return undefined;
  });
  const first = await Promise.race([once(createInterface(child.stdout), "line"), exited]);
  if (first === undefined) throw new Error(`a gateway does not start again: ${told}`);
  const { public: publicUrl, internal } = JSON.parse(String(first[0]));
  const transport = createConnectTransport({
    baseUrl: internal,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${ADMIN_TOKEN}`);
        return next(request);
      },
    ],
  });
  return {
    admin: createClient(AdminService, transport),
    publicUrl,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
