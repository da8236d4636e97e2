// Documents for verifiers: JWKS (RFC 7517) and issuer metadata (RFC 8414).

import { createHash } from "node:crypto";
import { ASSERTION_ALGS } from "../core/assertion.ts";
import type { PublicJwk } from "../core/ports.ts";
import type { KeyRing } from "../core/tokens/keyring.ts";
import { JWKS_MAX_AGE_S } from "../core/tokens/rotation.ts";
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
 * Documents for verifiers.
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
      () => JWKS_MAX_AGE_S,
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
    return { contentType: "application/json", ...rendered, maxAge: JWKS_MAX_AGE_S };
  });
  const paths = metadataPaths(configuredIssuer).map((path) => [path, metadata]);
  return { "/.well-known/jwks.json": jwks, ...Object.fromEntries(paths) };
}

/** A document and its strong entity tag (RFC 9110, 8.8.3). */
type Rendered = Readonly<Record<"body" | "etag", string>>;

function render(content: object): Rendered {
  const body = JSON.stringify(content);
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

export function renderJwks(keys: readonly PublicJwk[]): Rendered {
  return render({ keys });
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
 */
function renderMetadata(issuer: string, keys: readonly PublicJwk[], introspection: string | undefined): Rendered {
  return render({
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
function metadataPaths(issuer: string | undefined): readonly string[] {
  const path = issuer === undefined ? "" : withoutSlash(new URL(issuer).pathname);
  const paths = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
  return path === "" ? paths : [...paths, ...paths.map((one) => `${one}${path}`)];
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}
