// Who may call as an operator: whoever has the admin token. Knows headers alone.

import { AuthError } from "../core/errors.ts";
import { equalSecrets } from "../core/signature.ts";

/** A guard that lets in `Authorization: Bearer <admin token>` (RFC 6750, 2.1), compared in constant time. */
export function createAdminGuard(adminToken: string): (requestHeader: Headers) => void {
  return (requestHeader) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(requestHeader.get("authorization") ?? "") ?? [];
    if (token === undefined || !equalSecrets(token, adminToken)) {
      throw new AuthError("invalid_admin_token", "this call takes the admin token as Authorization Bearer");
    }
  };
}
