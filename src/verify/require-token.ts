// The common part of every requireToken: options, errors, and the identities of accepted requests.

import { VerifyError } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { type SentHeaders, type SentTokenOptions, tokenOf } from "./sent-token.ts";
import type { Verifier } from "./verifier.ts";

export interface RequireTokenOptions extends SentTokenOptions {
  /** Called with each error, for the service's own log: its `cause` says more than the answer. What it throws is ignored. */
  readonly onRefused?: (error: VerifyError) => void;
}

/** For interceptors, which run before every service of a server. */
export interface InterceptorOptions extends RequireTokenOptions {
  /** Methods that take no token, each in full: `/grpc.health.v1.Health/Check`. Their handlers have no identity. */
  readonly exempt?: readonly string[];
}

/** A WeakMap: nothing in a request can pass for an identity. */
const identities = new WeakMap<object, Identity>();

/**
 * Verifies the token in `headers` and keeps the identity for `holder`, the object that the handler sees.
 * @returns the error of a request without a valid token; undefined: it may pass
 */
export async function checkRequest(
  verifier: Verifier,
  headers: SentHeaders,
  holder: object,
  options?: RequireTokenOptions,
): Promise<VerifyError | undefined> {
  try {
    identities.set(holder, await verifier.verify(tokenOf(headers, options)));
    return undefined;
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    // A log that fails must end neither the answer nor the service.
    new Promise((resolve) => resolve(options?.onRefused?.(error))).catch(() => {});
    return error;
  }
}

/** @throws TypeError where `requireToken` has not run */
export function identityOf(holder: object): Identity {
  const identity = identities.get(holder);
  if (identity === undefined) throw new TypeError("there is no identity: put requireToken() before this handler");
  return identity;
}

/** Tells whether a method takes no token. @throws TypeError for a name that is no method's */
export function exemptionOf({ exempt = [] }: InterceptorOptions = {}): (method: string) => boolean {
  const wrong = exempt.find((name) => !/^\/[\w.]+\/\w+$/.test(name));
  if (wrong !== undefined) {
    throw new TypeError(`exempt has ${JSON.stringify(wrong)}: a method is like "/grpc.health.v1.Health/Check"`);
  }
  const exempted = new Set(exempt);
  return (method) => exempted.has(method);
}
