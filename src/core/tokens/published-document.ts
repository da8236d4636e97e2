// The documents for verifiers: JWK Set (RFC 7517) and issuer metadata (RFC 8414).

import { createHash } from "node:crypto";
import { ASSERTION_ALGS } from "../assertion.ts";
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

/** The path of the token endpoint. */
export const TOKEN_PATH = "/oauth2/token";

/** The values of `aud` in a client assertion that name this gateway: the issuer and the token endpoint (RFC 7523, section 3). */
export function assertionAudiences(issuer: string): readonly string[] {
  return [issuer, `${withoutSlash(issuer)}${TOKEN_PATH}`];
}

/**
 * Renders the issuer's metadata. Its last two members are for middlewares that require OpenID Connect Discovery; the gateway has
 * no OAuth flow for browsers.
 * @param introspection the introspection endpoint; undefined if the listener has none
 */
export function renderMetadata(
  issuer: string,
  keys: readonly PublicJwk[],
  introspection: string | undefined,
): PublishedDocument {
  return publish({
    issuer,
    jwks_uri: `${withoutSlash(issuer)}/.well-known/jwks.json`,
    token_endpoint: `${withoutSlash(issuer)}${TOKEN_PATH}`,
    response_types_supported: [],
    grant_types_supported: ["client_credentials"],
    token_endpoint_auth_methods_supported: ["client_secret_jwt", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    ...(introspection !== undefined && {
      introspection_endpoint: introspection,
      introspection_endpoint_auth_methods_supported: ["none"],
    }),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
  });
}

/** Paths of the metadata: an issuer's own path follows the well-known one (RFC 8414, 3.1), unless a proxy strips it. */
export function metadataPaths(issuer: string | undefined): readonly string[] {
  const path = issuer === undefined ? "" : withoutSlash(new URL(issuer).pathname);
  const paths = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
  return path === "" ? paths : [...paths, ...paths.map((one) => `${one}${path}`)];
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}
