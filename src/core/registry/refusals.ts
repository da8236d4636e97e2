// Errors of the registry that more than one file throws.

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
    "the customer of this device has no live key for derivation that opens here. Issue one with that purpose",
  );
}

export function tooManyKeys(purpose: KeyPurpose): AuthError {
  return new AuthError(
    "failed_precondition",
    `this customer has ${MAX_LIVE_KEYS} keys for ${purpose} that are live or to come. Retire one first`,
  );
}

export function strangePageToken(): AuthError {
  return malformed("page_token is none that this list has given", "page_token");
}

/** `what` as in `is busy`. */
export function registryUnavailable(what: string, retryAfterMs: number, cause?: unknown): AuthError {
  return new AuthError("unavailable", `the registry ${what}. Try again later`, { retryAfterMs }, { cause });
}
