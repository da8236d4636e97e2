// The identities of requests that were let through, by the object that a handler has in hand. Knows no framework.

import type { Identity } from "./identity.ts";

/** Kept beside the objects and not in them: nothing that a request carries can pass for an identity. */
const identities = new WeakMap<object, Identity>();

export function keepIdentity(holder: object, identity: Identity): void {
  identities.set(holder, identity);
}

/** @throws TypeError where the middleware has not run: a route was left out */
export function identityIn(holder: object): Identity {
  const identity = identities.get(holder);
  if (identity === undefined) throw new TypeError("there is no identity: put requireToken() before this handler");
  return identity;
}
