// Operators: admin tokens with a name, role and expiry, stored as hashes.

import { createHash, randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { equalSecrets } from "../signature.ts";
import { doesNotExist } from "./names.ts";
import type { Actor, AuditEntry } from "./ports.ts";

/** `read`: the calls that change nothing and show no secret. */
export type Role = "read" | "admin";

/** An admin token without its secret. */
export interface OperatorToken {
  readonly tokenId: string;
  /** The operator's name; the setting's name for a token of the settings. */
  readonly name: string;
  readonly role: Role;
  /** Unix milliseconds, here and below; undefined for a token of the settings. */
  readonly createdAt: number | undefined;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
}

export interface StoredOperatorToken extends OperatorToken {
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** The store of admin tokens. Transactions and errors as in ResourceStore. */
export interface OperatorStore {
  insert(token: StoredOperatorToken, hash: string, entry: AuditEntry): Promise<void>;
  findByHash(hash: string): Promise<StoredOperatorToken | undefined>;
  find(tokenId: string): Promise<StoredOperatorToken | undefined>;
  /** All, the newest first. */
  list(): Promise<readonly StoredOperatorToken[]>;
  /** Revokes a token. Writes no entry if the token is already revoked or does not exist. */
  revoke(tokenId: string, entry: AuditEntry): Promise<void>;
}

export interface OperatorTokenDraft {
  readonly name: string;
  readonly role: Role;
  /** Undefined: in 90 days. */
  readonly expiresAt?: number | undefined;
}

/** Each use case throws AuthError: `malformed`, or an error of the store. */
export interface Operators {
  /** `adminToken` is the secret. Its hash is stored, and it cannot be read again. */
  issue(
    draft: OperatorTokenDraft,
    actor: Actor,
  ): Promise<{ readonly token: OperatorToken; readonly adminToken: string }>;
  /** All tokens, the newest first, those of the settings last. */
  list(): Promise<readonly OperatorToken[]>;
  revoke(tokenId: string, actor: Actor): Promise<OperatorToken>;
  /** The token of a caller, by its secret. @throws AuthError `invalid_admin_token`, `unavailable` */
  identify(adminToken: string): Promise<OperatorToken>;
  /** The token of a session, by its id. @throws AuthError `invalid_admin_token`, `unavailable` */
  confirm(tokenId: string): Promise<OperatorToken>;
}

/** Visible ASCII with single spaces: two spaces would look like columns of a table. */
const OPERATOR_NAME = /^(?=.{1,100}$)[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
/** An issued token. Scanners for leaked secrets find it by its prefix. */
const ISSUED = /^cst_[\w-]{43}$/;
const TOKEN_BYTES = 32;
const USUAL_LIFE_MS = 90 * 86_400_000;

/** Whether the audit log may show this as an operator's name. */
export function isOperatorName(text: string): boolean {
  return OPERATOR_NAME.test(text);
}

/** Identifies an admin token without revealing it: eight hex digits of a labelled SHA-256. */
export function adminTokenId(token: string): string {
  return createHash("sha256").update(`countersign admin token id v1\0${token}`).digest("hex").slice(0, 8);
}

function hashOf(token: string): string {
  return createHash("sha256").update(`countersign admin token v1\0${token}`).digest("hex");
}

/** `settingsTokens` are the admin tokens of the settings, by the setting's name; their role is admin. `now` in Unix milliseconds. */
export function createOperators(
  operators: OperatorStore,
  settingsTokens: ReadonlyMap<string, string>,
  now: () => number,
): Operators {
  const fixed = [...settingsTokens].map(([setting, secret]) => ({ secret, token: tokenOfSetting(setting, secret) }));
  const findFixed = (tokenId: string): OperatorToken | undefined =>
    fixed.find(({ token }) => token.tokenId === tokenId)?.token;

  function requireValid(token: StoredOperatorToken | undefined): OperatorToken {
    if (token === undefined) throw invalidToken("this is not an admin token of this gateway");
    if (token.revokedAt !== undefined) throw invalidToken("this admin token was revoked. Ask for another");
    if (token.expiresAt <= now()) throw invalidToken("this admin token has expired. Ask for another");
    return token;
  }

  const entryOf = (actor: Actor, action: string, tokenId: string, details: AuditEntry["details"]): AuditEntry => {
    return { actor, at: now(), action, resource: `operators/${tokenId}`, customerId: "", details };
  };

  return {
    async issue({ name, role, expiresAt: wanted }, actor) {
      const at = now();
      const expiresAt = wanted ?? at + USUAL_LIFE_MS;
      if (!isOperatorName(name)) {
        throw malformed("name is not of 1 to 100 visible ASCII characters and single spaces", "name");
      }
      if (expiresAt <= at) throw malformed("expire_time is in the past", "expire_time");
      const adminToken = `cst_${randomBytes(TOKEN_BYTES).toString("base64url")}`;
      const tokenId = adminTokenId(adminToken);
      const token = { tokenId, name, role, createdAt: at, expiresAt, revokedAt: undefined };
      const details = { name, role, expires_at: new Date(expiresAt).toISOString() };
      await operators.insert(token, hashOf(adminToken), entryOf(actor, "IssueOperatorToken", tokenId, details));
      return { token, adminToken };
    },

    async list() {
      return [...(await operators.list()), ...fixed.map(({ token }) => token)];
    },

    async revoke(tokenId, actor) {
      const setting = findFixed(tokenId)?.name;
      if (setting !== undefined) {
        const message = `this admin token is a setting. Change ${setting} and start the gateways again`;
        throw new AuthError("failed_precondition", message);
      }
      if (!/^[0-9a-f]{8}$/.test(tokenId)) throw doesNotExist("admin token");
      await operators.revoke(tokenId, entryOf(actor, "RevokeOperatorToken", tokenId, {}));
      const token = await operators.find(tokenId);
      if (token === undefined) throw doesNotExist("admin token");
      return token;
    },

    async identify(adminToken) {
      // Compares every token, in constant time.
      const [match] = fixed.filter(({ secret }) => equalSecrets(adminToken, secret));
      return (
        match?.token ??
        requireValid(ISSUED.test(adminToken) ? await operators.findByHash(hashOf(adminToken)) : undefined)
      );
    },

    async confirm(tokenId) {
      return findFixed(tokenId) ?? requireValid(await operators.find(tokenId));
    },
  };
}

function tokenOfSetting(setting: string, secret: string): OperatorToken {
  const times = { createdAt: undefined, expiresAt: undefined, revokedAt: undefined };
  return { tokenId: adminTokenId(secret), name: setting, role: "admin", ...times };
}

function invalidToken(message: string): AuthError {
  return new AuthError("invalid_admin_token", message);
}
