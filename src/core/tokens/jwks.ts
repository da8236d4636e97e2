// The published keys as a document (RFC 7517). Knows no transport.

import { createHash } from "node:crypto";
import type { PublicJwk } from "../ports.ts";

/** How long a verifier may keep the document, in seconds. */
export const JWKS_MAX_AGE = 300;

export interface JwksDocument {
  readonly body: string;
  /** A strong entity tag (RFC 9110, 8.8.3). */
  readonly etag: string;
}

/** Renders the JWKS. */
export function renderJwks(keys: readonly PublicJwk[]): JwksDocument {
  const body = JSON.stringify({ keys });
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}
