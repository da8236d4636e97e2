// The form of a token: compact JWS (RFC 7515, 7.1), read strictly. Knows no keys and no claims.

import { base64url } from "jose";
import { tokenInvalid } from "./errors.ts";
import { memberOf, readStrictJson } from "./strict-json.ts";

/** Ten times what the longest token of the gateway has. */
const MAX_TOKEN_LENGTH = 8_192;

const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/**
 * Last characters whose bits are all read, by the number of characters over a multiple of four (RFC 4648, 3.5); one character
 * over is no byte.
 */
const LAST_CHARACTER = [/./, undefined, /[AQgw]/, /[AEIMQUYcgkosw048]/];

export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
}

/**
 * Reads the header of a token of three parts, each base64url in its one spelling.
 * @throws VerifyError `invalid`
 */
export function readTokenHeader(token: string): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH) throw tokenInvalid(`it has more than ${MAX_TOKEN_LENGTH} characters`);
  const parts = COMPACT.exec(token)?.slice(1);
  const [header] = parts ?? [];
  if (parts === undefined || header === undefined) {
    throw tokenInvalid("it is not three parts of base64url with dots between them");
  }
  if (!parts.every(isCanonical)) throw tokenInvalid("a part of it is not base64url as RFC 4648 writes it");
  return readHeader(readPart(base64url.decode(header), "header"));
}

function isCanonical(part: string): boolean {
  return LAST_CHARACTER[part.length % 4]?.test(part.slice(-1)) ?? false;
}

/** @throws VerifyError `invalid` */
export function readPart(bytes: Uint8Array, name: "header" | "claims"): object {
  try {
    return readStrictJson(bytes);
  } catch (error) {
    throw tokenInvalid(`its ${name} cannot be read as an object of JSON with each name once`, error);
  }
}

/** RFC 8725, 3.1, 3.10 and 3.11. `jwk`, `jku`, `x5c` and `x5u` are never looked at: only `kid` names a key. */
function readHeader(header: object): TokenHeader {
  const alg = memberOf(header, "alg");
  const kid = memberOf(header, "kid");
  const typ = memberOf(header, "typ");
  if (Object.hasOwn(header, "crit") || Object.hasOwn(header, "b64")) {
    throw tokenInvalid("its header asks for an extension that is not understood");
  }
  if (typeof typ !== "string" || typ.toUpperCase() !== "JWT") throw tokenInvalid("its header has another typ than JWT");
  if (typeof alg !== "string") throw tokenInvalid("its header names no algorithm");
  if (typeof kid !== "string" || kid === "") throw tokenInvalid("its header names no key by kid");
  return { alg, kid };
}
