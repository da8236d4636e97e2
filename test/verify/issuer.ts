// An issuer whose answers the test sets, its tokens and their verifiers.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";
import { createVerifier, type Verifier, type VerifierOptions, VerifyError } from "../../src/verify/exports.ts";
import { listenOnLoopback } from "../free-port.ts";
import { claimsOf, headerOf, type Mint, makeKeys, signed } from "../vectors/forge.ts";

export const NOW = 1_764_000_000_000;

/** Creates a key and the claims of its tokens. */
export function newMint(kid: string, alg: TokenAlg = "ES256", issuer = "https://auth.example"): Mint {
  const { privateKey, publicKey } = makeKeys(alg);
  const publicJwk = { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
  const parties = { issuer, audience: "devices", deviceKey: "sensor-1", customerId: "c-1" };
  return { alg, kid, privateKey, publicJwk, ...parties, now: NOW };
}

/** A correctly signed token with changed claims. */
export function tokenWith(mint: Mint, changes: object = {}): string {
  return signed(mint, headerOf(mint), { ...claimsOf(mint), ...changes });
}

/** Starts an issuer with these keys, on a free port. */
export async function openIssuer(...mints: readonly Mint[]) {
  const requests: IncomingHttpHeaders[] = [];
  let published = mints;
  let respond: ((response: ServerResponse) => void) | undefined;
  const server = createServer((request, response) => {
    requests.push(request.headers);
    if (respond !== undefined) return respond(response);
    const etag = `"${published.map(({ kid }) => kid).join()}"`;
    const headers = { "Cache-Control": "public, max-age=300", ETag: etag };
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304, headers).end();
    response.writeHead(200, { ...headers, "Content-Type": "application/jwk-set+json" });
    response.end(JSON.stringify({ keys: published.map(({ publicJwk }) => publicJwk) }));
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    /** The headers of every request for the keys, in order. */
    requests,
    /** Sets the answer to every request; undefined for the keys again. */
    answer(next: typeof respond): void {
      respond = next;
    },
    /** Publishes these keys, under an ETag of their kids. */
    publish(...next: readonly Mint[]): void {
      published = next;
    },
    async stop(): Promise<void> {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
    /** Starts the server again on the same port. */
    async start(): Promise<void> {
      await once(server.listen(port, "127.0.0.1"), "listening");
    },
  };
}

export type Issuer = Awaited<ReturnType<typeof openIssuer>>;

/** Starts an issuer that ends with the test. */
export async function startIssuer(...mints: readonly Mint[]): Promise<Issuer> {
  const issuer = await openIssuer(...mints);
  onTestFinished(issuer.stop);
  return issuer;
}

/** A verifier of a mint's tokens. */
export function verifierOf({ url }: Issuer, mint: Mint, options: Partial<VerifierOptions> = {}): Verifier {
  return createVerifier({ issuer: mint.issuer, audience: mint.audience, jwksUrl: url, now: () => NOW, ...options });
}

/** Verifies a token: its device_key, or the reason of the error. */
export async function outcomeOf(verifier: Verifier, token: string | undefined): Promise<string> {
  return verifier.verify(token).then(
    ({ deviceKey }) => deviceKey,
    (error: unknown) => (error instanceof VerifyError ? error.reason : `not a VerifyError: ${error}`),
  );
}
