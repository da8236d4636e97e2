// The documents of the listeners: keys, metadata, health, metrics.

import type { Limiter, TokenSigner } from "../core/ports.ts";
import { renderJwks } from "../core/tokens/jwks.ts";
import type { KeyRing } from "../core/tokens/keyring.ts";
import { metadataPaths, renderMetadata } from "../core/tokens/metadata.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";
import { DOCUMENT_MAX_AGE } from "../core/tokens/published-document.ts";
import type { Endpoint, EndpointAnswer, Endpoints } from "./endpoints.ts";

/** Seconds that keys may be kept while the database does not answer: one of them may be revoked. */
const STALE_MAX_AGE = 30;

/** An endpoint that answers every GET alike. */
export function document(answer: () => EndpointAnswer | Promise<EndpointAnswer>): Endpoint {
  return { method: "GET", answer };
}

/**
 * What verifiers read: the JWKS and the issuer's metadata (RFC 8414).
 * @param issuer known once the public listener listens, at the latest
 * @param configuredIssuer undefined: the listener's own address is the issuer
 */
export function issuerDocuments(issuer: () => string, configuredIssuer: string | undefined, ring: KeyRing): Endpoints {
  const isConfirmed = async (): Promise<boolean> => {
    try {
      await ring.confirm();
      return true;
    } catch {
      return false;
    }
  };
  const jwks = document(async () => {
    const maxAge = (await isConfirmed()) ? DOCUMENT_MAX_AGE : STALE_MAX_AGE;
    return { contentType: "application/jwk-set+json", ...renderJwks(ring.published()), maxAge };
  });
  const metadata = document(() => {
    const rendered = renderMetadata(issuer(), ring.published());
    return { contentType: "application/json", ...rendered, maxAge: DOCUMENT_MAX_AGE };
  });
  const paths = metadataPaths(configuredIssuer).map((path) => [path, metadata]);
  return { "/.well-known/jwks.json": jwks, ...Object.fromEntries(paths) };
}

/** Whether the process answers at all. */
export const livez: Endpoint = document(() => ({ contentType: "text/plain; charset=utf-8", body: "ok\n" }));

/** Whether logins are answered, part by part. `degraded`: by limits that are bounded and not exact. */
export function createReadyz(
  limiter: Limiter,
  signingKeys: Pick<SigningKeyStore, "read">,
  signer: TokenSigner,
): Endpoint {
  return document(async () => {
    const [limits, keys] = await Promise.allSettled([limiter.ping(), signingKeys.read()]);
    const parts = {
      limits: limits.status === "fulfilled" ? limits.value : "unavailable",
      store: keys.status === "fulfilled" ? "ok" : "unavailable",
      signer: signer.ready() ? "ok" : "unavailable",
    };
    const all = Object.values(parts);
    const status = all.includes("unavailable") ? "unavailable" : all.includes("degraded") ? "degraded" : "ready";
    const body = JSON.stringify({ status, ...parts });
    return { status: status === "unavailable" ? 503 : 200, contentType: "application/json", body };
  });
}
