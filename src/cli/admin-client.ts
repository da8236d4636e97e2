// A client of AdminService for the commands that manage: where it is, and the token it takes.

import { readFileSync } from "node:fs";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { dataFile, processEnvironment, readClientConfig } from "../config.ts";
import { connectFailure } from "./connect-failure.ts";
import { transportOptions } from "./connect-transport.ts";
import { endpointOf } from "./endpoint.ts";
import { CommandFailure } from "./output.ts";

/** Calls AdminService. @throws CommandFailure with the gateway's reason */
export async function callAdmin<Response>(
  call: (client: Client<typeof AdminService>) => Promise<Response>,
): Promise<Response> {
  const config = readClientConfig(processEnvironment());
  const token = config.adminToken ?? readTokenFile(dataFile(config.dataDir, "admin-token"));
  const authorize: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const endpoint = endpointOf(config.internalUrl, config);
  const transport = createConnectTransport({ ...transportOptions(endpoint), interceptors: [authorize] });
  return call(createClient(AdminService, transport)).catch(async (error: unknown) => {
    throw await connectFailure(error, endpoint);
  });
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
