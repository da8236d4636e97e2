// A client of AdminService for the commands that manage: where it is, the token it takes, and who asks.

import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { readClientConfig } from "../client-config.ts";
import { dataFile, processEnvironment } from "../config.ts";
import { connectFailure } from "./connect-failure.ts";
import { transportOptions } from "./connect-transport.ts";
import { endpointOf } from "./endpoint.ts";
import { CommandFailure } from "./output.ts";

/** For the calls that count a whole fleet, which may take longer than others. In milliseconds. */
export const COUNTING = { timeoutMs: 60_000 };

/** Calls AdminService, once or several times. @throws CommandFailure with the gateway's reason, or its own */
export async function callAdmin<Response>(
  call: (client: Client<typeof AdminService>) => Promise<Response>,
): Promise<Response> {
  const config = readClientConfig(processEnvironment());
  const token = config.adminToken ?? readTokenFile(dataFile(config.dataDir, "admin-token"));
  const operator = operatorName();
  const introduce: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    request.header.set("x-operator", operator);
    return next(request);
  };
  const endpoint = endpointOf(config.internalUrl, config);
  const transport = createConnectTransport({
    ...transportOptions(endpoint),
    useBinaryFormat: true,
    interceptors: [introduce],
  });
  return call(createClient(AdminService, transport)).catch(async (error: unknown) => {
    throw error instanceof CommandFailure ? error : await connectFailure(error, endpoint);
  });
}

/** Who asks, for the audit log: `user@host`, in the characters that a header has. */
function operatorName(): string {
  return `${userName()}@${hostname()}`.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, 100);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user often has a number and no name.
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw new CommandFailure(
      `the admin token is missing: set COUNTERSIGN_ADMIN_TOKEN or COUNTERSIGN_ADMIN_TOKEN_FILE (there is none in ${file})`,
      {},
      2,
    );
  }
}
