// Forms, as OAuth sends its parameters.

import { malformed } from "../core/errors.ts";
import { unsupportedMediaType } from "../protocols/mistakes.ts";

const FORM = "application/x-www-form-urlencoded";
const MEDIA_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i;

/**
 * Reads a form.
 * @returns its parameters by name; empty for one that is missing. It throws `malformed` for one that is there twice (RFC 6749, 3.2)
 * @throws AuthError `unsupported_media_type`
 */
export function readForm(contentType: string | undefined, body: Uint8Array): (name: string) => string {
  if (contentType !== undefined && !MEDIA_TYPE.test(contentType)) throw unsupportedMediaType(contentType, FORM);
  const form = new URLSearchParams(Buffer.from(body).toString());
  return (name) => {
    const [value = "", ...others] = form.getAll(name);
    if (others.length > 0) throw malformed(`${name} is there more than once. Send it once`, name);
    return value;
  };
}
