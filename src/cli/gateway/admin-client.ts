// Client of AdminService for operators' commands: address, admin token and operator name.

import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Command } from "commander";
import { AdminService } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type ClientConfig, dataFile, processEnvironment, readClientConfig } from "../../config.ts";
import { CommandFailure, usageFailure } from "../terminal/output.ts";
import { connectFailure, DEADLINE_MS, endpointOf } from "./endpoint.ts";

export type AdminClient = Client<typeof AdminService>;

/** Call options for methods that count a whole fleet, which takes longer. In milliseconds. */
export const COUNTING = { timeoutMs: 60_000 };

/** Runs calls to AdminService. @throws CommandFailure with the gateway's reason */
export async function callAdmin<Response>(call: (admin: AdminClient) => Promise<Response>): Promise<Response> {
  const config = readClientConfig();
  const { token, source } = readToken(config);
  const operator = operatorName();
  const authenticate: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    request.header.set("x-operator", operator);
    return next(request);
  };
  const endpoint = endpointOf(config.internalUrl, "COUNTERSIGN_INTERNAL_URL", config);
  const transport = createConnectTransport({
    baseUrl: endpoint.url,
    nodeOptions: { ...endpoint.tls },
    defaultTimeoutMs: DEADLINE_MS,
    httpVersion: "1.1",
    useBinaryFormat: true,
    interceptors: [authenticate],
  });
  return call(createClient(AdminService, transport)).catch((error: unknown) => {
    // Anything else is a failure of the command's own, such as an unreadable file.
    if (!(error instanceof ConnectError)) throw error;
    const { message, details, status } = connectFailure(error, endpoint);
    const hint = details["reason"] === "invalid_admin_token" ? `. The token was read from ${source}` : "";
    throw new CommandFailure(`${message}${hint}`, details, status);
  });
}

/** The operator's name for the audit log: `user@host`, in the characters and length that the gateway accepts. */
function operatorName(): string {
  return `${userName()}@${hostname()}`
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[^\x20-\x7e]/g, "_")
    .slice(0, 100)
    .trim();
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The user of a container often has a number and no name.
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

function readToken({ adminToken, dataDir }: ClientConfig): { readonly token: string; readonly source: string } {
  const file = dataFile(dataDir, "admin-token");
  const setting = processEnvironment()["COUNTERSIGN_ADMIN_TOKEN_FILE"] ? "ADMIN_TOKEN_FILE" : "ADMIN_TOKEN";
  const source = adminToken === undefined ? file : `COUNTERSIGN_${setting}`;
  const token = adminToken ?? readTokenFile(file);
  if (/^[\x21-\x7e]+$/.test(token)) return { token, source };
  throw usageFailure(`the admin token in ${source} is empty, or has characters that are not visible ASCII`);
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw usageFailure(
      `the admin token is missing: set COUNTERSIGN_ADMIN_TOKEN or COUNTERSIGN_ADMIN_TOKEN_FILE (there is none in ${file})`,
    );
  }
}

const HELP = `
Environment: COUNTERSIGN_INTERNAL_URL and COUNTERSIGN_ADMIN_TOKEN(_FILE); over TLS COUNTERSIGN_CA_CERT,
COUNTERSIGN_CLIENT_CERT and COUNTERSIGN_CLIENT_KEY (docs/reference/settings.md)`;

/** Adds a command, or a group of them, that calls AdminService. */
export function adminCommand(program: Command, name: string): Command {
  return program.command(name).addHelpText("afterAll", HELP);
}
