// The refusals of examples, made by the functions that make real ones where there are such. Knows no service.

import { AuthError, malformed } from "../src/core/errors.ts";
import { readFilter } from "../src/core/registry/filter.ts";
import { readDisplayName } from "../src/core/registry/names.ts";
import { requireVersion } from "../src/core/registry/pages.ts";

/** The refusal that a function throws. */
export function refusalOf(act: () => void): AuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError) return error;
  }
  throw new TypeError("it refuses nothing");
}

/** What any call that asks the database may be told. */
export const AWAY = new AuthError("unavailable", "the registry cannot be asked now. Try again later", {
  retryAfterMs: 5_000,
});

export const LONG_NAME = refusalOf(() => readDisplayName("x".repeat(201)));
export const NO_CUSTOMER = missing("customer", "customer_id");
export const NO_DEVICE = missing("device", "device_key");
export const NO_KEY = missing("customer key", "key_id");
export const WRONG_FILTER = refusalOf(() => readFilter("colour = red", { status: "text" }));
export const WRONG_MASK = malformed(
  "update_mask has color which is no field. Fields that can be are display_name status",
  "update_mask",
);

/** What was asked for is not there. */
function missing(what: string, field: string): AuthError {
  return new AuthError("does_not_exist", `no ${what} has this ${field}`, { field });
}

/** A name that another has. */
export function taken(field: string): AuthError {
  return new AuthError("already_exists", `this ${field} is taken already. Choose another`, { field });
}

/** A version that is no more. */
export function changedSince(what: string): AuthError {
  return refusalOf(() => requireVersion({ revision: 2, createdAt: 0 }, '"another"', what));
}
