// The refusals of examples, made by the functions that make real ones where there are such. Knows no service.

import { AuthError, malformed } from "../src/core/errors.ts";
import { readFilter } from "../src/core/registry/filter.ts";
import { readDisplayName } from "../src/core/registry/names.ts";
import { requireVersion } from "../src/core/registry/pages.ts";
import { noCustomer, noCustomerKey, noDevice, registryUnavailable } from "../src/core/registry/refusals.ts";

/** The refusal that a function throws. */
export function refusalOf(act: () => void): AuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError) return error;
  }
  throw new TypeError("it refuses nothing");
}

/** The error of any call while the database is away. */
export const AWAY = registryUnavailable("cannot be asked now", 5_000);

export const LONG_NAME = refusalOf(() => readDisplayName("x".repeat(201)));
export const NO_CUSTOMER = noCustomer();
export const NO_DEVICE = noDevice();
export const NO_KEY = noCustomerKey();
export const WRONG_FILTER = refusalOf(() => readFilter("colour = red", { status: "text" }));
export const WRONG_MASK = malformed(
  "update_mask has color which is no field. Fields that can be are display_name status",
  "update_mask",
);

/** A version that is no more. */
export function changedSince(what: string): AuthError {
  return refusalOf(() => requireVersion({ revision: 2, createdAt: 0 }, '"another"', what));
}
