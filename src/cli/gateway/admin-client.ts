// A client of AdminService for the commands that manage: where it is, the token it takes, and who asks.

import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Command } from "commander";
import { AdminService } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type ClientConfig, readClientConfig } from "../../client-config.ts";
import { dataFile, processEnvironment } from "../../config.ts";
import { CommandFailure, usageFailure } from "../output.ts";
import { connectFailure } from "./connect-failure.ts";
import { transportOptions } from "./connect-transport.ts";
import { endpointOf } from "./endpoint.ts";

/** For the calls that count a whole fleet, which may take longer than others. In milliseconds. */
export const COUNTING = { timeoutMs: 60_000 };

/** Calls AdminService, once or several times. @throws CommandFailure with the gateway's reason, or its own */
export async function callAdmin<Response>(
  call: (client: Client<typeof AdminService>) => Promise<Response>,
): Promise<Response> {
  const config = readClientConfig(processEnvironment());
  const { token, source } = readToken(config);
  const operator = operatorName();
  const introduce: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    request.header.set("x-operator", operator);
    return next(request);
  };
  const endpoint = endpointOf(config.internalUrl, "COUNTERSIGN_INTERNAL_URL", config);
  const transport = createConnectTransport({
    ...transportOptions(endpoint),
    useBinaryFormat: true,
    interceptors: [introduce],
  });
  return call(createClient(AdminService, transport)).catch(async (error: unknown) => {
    // What else goes wrong is no answer of a gateway, nor the want of one.
    if (!(error instanceof ConnectError)) throw error;
    const { message, details, status } = await connectFailure(error, endpoint);
    const whose = details["reason"] === "invalid_admin_token" ? `. The one that was sent is that of ${source}` : "";
    throw new CommandFailure(`${message}${whose}`, details, status);
  });
}

/** Who asks, for the audit log: `user@host`, in the characters and the length that the gateway takes. */
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
    // A container's user often has a number and no name.
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

interface AdminToken {
  readonly token: string;
  /** Where it was found. */
  readonly source: string;
}

function readToken({ adminToken, dataDir }: ClientConfig): AdminToken {
  const file = dataFile(dataDir, "admin-token");
  const inFile = processEnvironment()["COUNTERSIGN_ADMIN_TOKEN_FILE"] ? "COUNTERSIGN_ADMIN_TOKEN_FILE" : undefined;
  const source = adminToken === undefined ? file : (inFile ?? "COUNTERSIGN_ADMIN_TOKEN");
  const token = adminToken ?? readTokenFile(file);
  if (/^[\x21-\x7e]+$/.test(token)) return { token, source };
  throw usageFailure(`the admin token of ${source} is empty, or has characters that are not visible ASCII`);
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

/** What --help says of where these commands go, and as whom. */
const HELP = `
Environment:
  COUNTERSIGN_INTERNAL_URL        the gateway's internal listener (default: http://127.0.0.1:9090)
  COUNTERSIGN_ADMIN_TOKEN(_FILE)  the admin token, or a file that holds it (default: the file admin-token
                                  of COUNTERSIGN_DATA_DIR, which is data unless it is set)
  COUNTERSIGN_CA_CERT             over TLS, a PEM file of an authority to trust beside the system's
  COUNTERSIGN_CLIENT_CERT, COUNTERSIGN_CLIENT_KEY
                                  PEM files to show to a gateway that asks for a certificate`;

/** Adds a command, or a group of them, that calls AdminService. */
export function adminCommand(program: Command, name: string): Command {
  return program.command(name).addHelpText("afterAll", HELP);
}
