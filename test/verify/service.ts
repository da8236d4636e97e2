// A service that requires a token, as tests see it.

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Verifier } from "../../src/verify/exports.ts";
import type { RequireTokenOptions } from "../../src/verify/require-token.ts";

export type SentHeaders = Readonly<Record<string, string>>;

/** A service's answer: the caller, or the error in the form of its protocol. */
export interface Answer {
  readonly deviceKey?: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

export interface Service {
  ask(headers: SentHeaders): Promise<Answer>;
  close(): Promise<unknown>;
}

export type StartService = (verifier: Verifier, options?: RequireTokenOptions) => Promise<Service>;

/** The headers of an answer that are looked at. */
export const SEEN_HEADERS = ["www-authenticate", "retry-after", "content-type"];

/** Listens on a free port. */
export async function listen(listener: RequestListener): Promise<{ url: string; close: () => Promise<unknown> }> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("it listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.close();
      server.closeAllConnections();
      return once(server, "close");
    },
  };
}
