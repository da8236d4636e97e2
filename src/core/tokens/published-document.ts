// The documents for verifiers: JWK Set (RFC 7517) and issuer metadata (RFC 8414).

import { createHash } from "node:crypto";
import type { PublicJwk } from "../ports.ts";

/** Lifetime of a document in a verifier's cache, in seconds. */
export const DOCUMENT_MAX_AGE = 300;

export interface PublishedDocument {
  readonly body: string;
  /** A strong entity tag (RFC 9110, 8.8.3). */
  readonly etag: string;
}

function publish(content: object): PublishedDocument {
  const body = JSON.stringify(content);
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

export function renderJwks(keys: readonly PublicJwk[]): PublishedDocument {
  return publish({ keys });
}

/**
 * The last two members are for middlewares that want OpenID Connect Discovery. There is no OAuth flow: those lists are empty.
 * @param introspection where tokens are introspected; undefined: not at the listener that was asked
 */
export function renderMetadata(
  issuer: string,
  keys: readonly PublicJwk[],
  introspection: string | undefined,
): PublishedDocument {
  return publish({
    issuer,
    jwks_uri: `${withoutSlash(issuer)}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    token_endpoint_auth_methods_supported: [],
    ...(introspection !== undefined && {
      introspection_endpoint: introspection,
      introspection_endpoint_auth_methods_supported: ["none"],
    }),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
  });
}

/** Paths of the metadata. The path of an issuer follows the well-known one (RFC 8414, 3.1) unless a proxy strips it. */
export function metadataPaths(issuer: string | undefined): readonly string[] {
  const path = issuer === undefined ? "" : withoutSlash(new URL(issuer).pathname);
  const paths = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
  return path === "" ? paths : [...paths, ...paths.map((one) => `${one}${path}`)];
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}
