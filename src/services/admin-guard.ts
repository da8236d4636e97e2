// Who may call as an operator: whoever has an admin token. Knows headers alone.

import { AuthError } from "../core/errors.ts";
import { equalSecrets } from "../core/signature.ts";

/** The token of `Authorization: Bearer <token>` (RFC 6750, 2.1); undefined where there is none. */
export function bearerToken(requestHeader: Headers): string | undefined {
  return /^Bearer +(\S+)$/i.exec(requestHeader.get("authorization") ?? "")?.[1];
}

/**
 * A guard that lets in whoever shows one of these tokens. Each is compared in constant time, and all of them, whichever
 * it is: two at once are there so that one can be replaced.
 */
export function createAdminGuard(adminTokens: readonly string[]): (requestHeader: Headers) => void {
  return (requestHeader) => {
    const token = bearerToken(requestHeader);
    if (token === undefined) {
      throw new AuthError("invalid_admin_token", "this call takes the admin token as Authorization Bearer");
    }
    const matches = adminTokens.map((one) => equalSecrets(token, one));
    if (!matches.includes(true)) {
      throw new AuthError("invalid_admin_token", "this is not an admin token of this gateway");
    }
  };
}
