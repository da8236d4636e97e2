// The OpenAPI documents as they are served; `npm run gen` wrote them from the contract. Knows no transport.

import { createHash } from "node:crypto";
import internal from "../../gen/openapi/internal.json" with { type: "json" };
import published from "../../gen/openapi/public.json" with { type: "json" };

/** How long a client may keep one, in seconds. */
const MAX_AGE = 300;

export interface OpenapiDocument {
  readonly contentType: string;
  /** Shared by all answers: a string would be copied for each. */
  readonly body: Uint8Array;
  /** A strong entity tag (RFC 9110, 8.8.3). */
  readonly etag: string;
  readonly maxAge: number;
}

/** What the services of the public listener answer over REST. */
export const publicOpenapi = render(published);

/** What those of the internal listener do. */
export const internalOpenapi = render(internal);

function render(document: object): OpenapiDocument {
  const body = Buffer.from(JSON.stringify(document));
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { contentType: "application/json", body, etag, maxAge: MAX_AGE };
}
