// Errors of the calls on signing keys.

import { AuthError } from "../errors.ts";

export function noSigningKey(): AuthError {
  return new AuthError("does_not_exist", "no signing key has this kid", { field: "kid" });
}

export function revokedKey(kid: string): AuthError {
  return failedPrecondition(`this key was revoked as ${kid} and signs no more. Import another`);
}

export function takenKid(): AuthError {
  return new AuthError("already_exists", "another key has this kid. Choose another", { field: "kid" });
}

export function keyThereAs(kid: string): AuthError {
  return new AuthError("already_exists", `this key is there as ${kid} already. Import it under that kid`, {
    field: "kid",
  });
}

export function notNext(state: "active" | "retired"): AuthError {
  return failedPrecondition(
    state === "active"
      ? "this key signs already. It cannot be the next one"
      : "this key has signed before and is published still. Import it without as_next",
  );
}

/** A next key of another algorithm than new ones are of: the next start would replace it. */
export function otherAlgorithm(alg: string, ruled: string): AuthError {
  return failedPrecondition(
    `this key is for ${alg} and new keys are for ${ruled}. Set COUNTERSIGN_TOKEN_ALG to ${alg} at every gateway first`,
  );
}

function failedPrecondition(message: string): AuthError {
  return new AuthError("failed_precondition", message);
}

export function changedSince(): AuthError {
  const message =
    "the signing keys were changed and somebody else changed them again at the same moment. Look at the list";
  return new AuthError("unavailable", message, { retryAfterMs: 1_000 });
}
