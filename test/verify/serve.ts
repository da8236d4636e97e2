// Servers of HTTP and of gRPC that end with the test.

import { createServer, type RequestListener } from "node:http";
import { promisify } from "node:util";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "../free-port.ts";

/** @returns the URL */
export async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${await listenOnLoopback(server)}`;
}

/** @returns the address, as clients take it */
export async function serveGrpc(server: Server): Promise<string> {
  onTestFinished(() => server.forceShutdown());
  const bind = promisify(server.bindAsync.bind(server));
  return `127.0.0.1:${await bind("127.0.0.1:0", ServerCredentials.createInsecure())}`;
}
