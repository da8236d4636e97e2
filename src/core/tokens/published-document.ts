// A document that verifiers read, and may keep. Knows nothing of what it says.

import { createHash } from "node:crypto";

/** How long a verifier may keep one, in seconds. */
export const DOCUMENT_MAX_AGE = 300;

export interface PublishedDocument {
  readonly body: string;
  /** A strong entity tag (RFC 9110, 8.8.3). */
  readonly etag: string;
}

/** A document as JSON, with a tag that is the same for the same content. */
export function publish(content: object): PublishedDocument {
  const body = JSON.stringify(content);
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}
