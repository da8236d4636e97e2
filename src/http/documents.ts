// Documents for verifiers: the JWKS and the issuer's metadata.

import type { KeyRing } from "../core/tokens/keyring.ts";
import { DOCUMENT_MAX_AGE, metadataPaths, renderJwks, renderMetadata } from "../core/tokens/published-document.ts";
import type { Endpoint, Endpoints } from "./endpoints.ts";

/** Lifetime in caches while the database does not answer, in seconds: a key may have been revoked. */
const STALE_MAX_AGE = 30;

/** An endpoint that has the same answer for every GET. */
export function document(answer: Endpoint["answer"]): Endpoint {
  return { method: "GET", answer };
}

/** A document that pages of any origin may read. */
export function openDocument(answer: Endpoint["answer"]): Endpoint {
  return { ...document(answer), readers: "anyone" };
}

/**
 * Documents for verifiers: the JWKS and the issuer's metadata (RFC 8414).
 * @param issuer known once the public listener listens
 * @param configuredIssuer undefined if the listener's own address is the issuer
 * @param introspectionScheme of the introspection endpoint's URL; undefined if the listener has none
 */
export function issuerDocuments(
  issuer: () => string,
  configuredIssuer: string | undefined,
  ring: KeyRing,
  introspectionScheme?: "http" | "https",
): Endpoints {
  const jwks = openDocument(async () => {
    const confirm = async (): Promise<void> => ring.confirm();
    const maxAge = await confirm().then(
      () => DOCUMENT_MAX_AGE,
      () => STALE_MAX_AGE,
    );
    return { contentType: "application/jwk-set+json", ...renderJwks(ring.published()), maxAge };
  });
  const metadata = openDocument(({ header }) => {
    // The host name that the caller used: the gateway does not know its own names.
    const host = header(":authority") ?? header("host");
    const isAsked = introspectionScheme !== undefined && host !== undefined;
    const introspection = isAsked ? `${introspectionScheme}://${host}/oauth2/introspect` : undefined;
    const rendered = renderMetadata(issuer(), ring.published(), introspection);
    return { contentType: "application/json", ...rendered, maxAge: DOCUMENT_MAX_AGE };
  });
  const paths = metadataPaths(configuredIssuer).map((path) => [path, metadata]);
  return { "/.well-known/jwks.json": jwks, ...Object.fromEntries(paths) };
}
