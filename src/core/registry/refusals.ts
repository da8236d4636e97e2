// The registry's refusals that more than one place gives: their reasons and words.

import { AuthError, malformed } from "../errors.ts";
import { type KeyPurpose, MAX_LIVE_KEYS } from "../ports.ts";

export function noCustomer(): AuthError {
  return missing("customer", "customer_id");
}

export function noDevice(): AuthError {
  return missing("device", "device_key");
}

export function noCustomerKey(): AuthError {
  return missing("customer key", "key_id");
}

export function noOperatorToken(): AuthError {
  return missing("admin token", "token_id");
}

export function settingToken(setting: string): AuthError {
  const message = `this admin token is a setting. Change ${setting} and start the gateways again`;
  return new AuthError("failed_precondition", message);
}

function missing(what: string, field: string): AuthError {
  return new AuthError("does_not_exist", `no ${what} has this ${field}`, { field });
}

export function taken(field: string): AuthError {
  return new AuthError("already_exists", `this ${field} is taken already. Choose another`, { field });
}

export function hasDevices(): AuthError {
  return new AuthError("failed_precondition", "this customer has devices. Delete them first");
}

export function noDerivationKey(): AuthError {
  return new AuthError(
    "failed_precondition",
    "the customer of this device has no live key for derivation. Issue one with that purpose",
  );
}

/** A customer has as many keys of a purpose as may be live; `pending`: those of them whose time has not come, by key_id. */
export function tooManyKeys(purpose: KeyPurpose, pending: readonly string[]): AuthError {
  const among = pending.length === 0 ? "" : ` with ${pending.join(" and ")} whose time is to come`;
  return new AuthError(
    "failed_precondition",
    `this customer has ${MAX_LIVE_KEYS} live keys for ${purpose} already${among}. Retire one first`,
  );
}

/** A key does not open, and its secret is needed; `why` as in `may be the one that is imported`. */
export function unopenedKey(keyId: string, why: string): AuthError {
  return new AuthError(
    "failed_precondition",
    `the key ${keyId} of this customer ${why} and does not open with the master keys of this gateway. Add its master key to COUNTERSIGN_OTHER_MASTER_KEYS or retire it`,
  );
}

export function strangePageToken(): AuthError {
  return malformed("page_token is none that this list has given", "page_token");
}

/** The database of the registry `is busy`, or what else is the matter with it. */
export function registryUnavailable(what: string, retryAfterMs: number, cause?: unknown): AuthError {
  return new AuthError("unavailable", `the registry ${what}. Try again later`, { retryAfterMs }, { cause });
}
