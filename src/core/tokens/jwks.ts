// The published keys as a document (RFC 7517). Knows no transport.

import type { PublicJwk } from "../ports.ts";
import { type PublishedDocument, publish } from "./published-document.ts";

/** Renders the JWKS. */
export function renderJwks(keys: readonly PublicJwk[]): PublishedDocument {
  return publish({ keys });
}
