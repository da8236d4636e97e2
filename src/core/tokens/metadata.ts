// What the gateway says of itself as an issuer of tokens (RFC 8414). Knows no transport.

import type { PublicJwk } from "../ports.ts";
import { type PublishedDocument, publish } from "./published-document.ts";

/** Where RFC 8414 and, for middlewares that look nowhere else, OpenID Connect Discovery have the metadata of an issuer. */
const WELL_KNOWN = ["oauth-authorization-server", "openid-configuration"] as const;

/**
 * Renders the metadata of an issuer: nothing that is not so. It has no flow of OAuth, so the lists of those are empty, where left
 * out they would mean the usual ones. The last two are what OpenID Connect Discovery asks for besides: tokens are signed with those.
 */
export function renderMetadata(issuer: string, keys: readonly PublicJwk[]): PublishedDocument {
  return publish({
    issuer,
    jwks_uri: `${withoutSlash(issuer)}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    token_endpoint_auth_methods_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
  });
}

/**
 * The paths of the metadata. An issuer that has a path has it after the well-known one (RFC 8414, 3.1), or, where a proxy takes
 * it away, none.
 */
export function metadataPaths(issuer: string | undefined): readonly string[] {
  const path = issuer === undefined ? "" : withoutSlash(new URL(issuer).pathname);
  const paths = WELL_KNOWN.map((name) => `/.well-known/${name}`);
  return path === "" ? paths : [...paths, ...paths.map((one) => `${one}${path}`)];
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}
