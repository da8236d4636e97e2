// The OpenAPI documents that `npm run gen` made, as served.

import { createHash } from "node:crypto";
import internal from "../../gen/openapi/internal.json" with { type: "json" };
import published from "../../gen/openapi/public.json" with { type: "json" };

/** max-age, in seconds. */
const MAX_AGE = 300;

/** The services of the public listener. */
export const publicOpenapi = render(published);

/** The services of the internal listener. */
export const internalOpenapi = render(internal);

/** The bytes are shared by all answers; the entity tag is a strong one (RFC 9110, 8.8.3). */
function render(document: object) {
  const body = Buffer.from(JSON.stringify(document));
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { contentType: "application/json", body, etag, maxAge: MAX_AGE };
}
