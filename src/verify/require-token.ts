// Shared by every requireToken: options, errors, and the identities of accepted requests.

import { VerifyError } from "./errors.ts";
import type { Identity, Verifier } from "./verifier.ts";

export interface RequireTokenOptions extends SentTokenOptions {
  /** Called with each error, for the service's log. `cause` has more than the answer. Exceptions of this function are ignored. */
  readonly onError?: (error: VerifyError) => void;
}

/** For interceptors, which run before every service of a server. */
export interface InterceptorOptions extends RequireTokenOptions {
  /** Methods that take no token, each in full: `/grpc.health.v1.Health/Check`. Their handlers have no identity. */
  readonly exempt?: readonly string[];
}

/** Identities by request, in a WeakMap: no property of a request can be mistaken for one. */
const identities = new WeakMap<object, Identity>();

/**
 * Verifies the token in `headers` and keeps the identity for `holder`, the object that the handler sees.
 * @returns the error of a request without a valid token; undefined if the token is valid
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
    // A failing log must not end the answer or the service.
    new Promise((resolve) => resolve(options?.onError?.(error))).catch(() => {});
    return error;
  }
}

/** The identity of a request. @throws TypeError if `requireToken` has not run */
export function identityOf(holder: object): Identity {
  const identity = identities.get(holder);
  if (identity === undefined) throw new TypeError("there is no identity: put requireToken() before this handler");
  return identity;
}

/** Builds a check for methods that need no token. @throws TypeError for a name that is not a method's */
export function exemptionOf({ exempt = [] }: InterceptorOptions = {}): (method: string) => boolean {
  const wrong = exempt.find((name) => !/^\/[\w.]+\/\w+$/.test(name));
  if (wrong !== undefined) {
    throw new TypeError(`exempt has ${JSON.stringify(wrong)}: a method is like "/grpc.health.v1.Health/Check"`);
  }
  const exempted = new Set(exempt);
  return (method) => exempted.has(method);
}

export interface SentTokenOptions {
  /** Also read `Authorization: Bearer` when there is no `x-access-token`. Off by default: services use that header themselves. */
  readonly authorization?: boolean;
}

/** The headers of a request: Fetch `Headers`, another object with such a `get`, or an object with names in any case. */
export type SentHeaders =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The token of a request, undefined if there is none. A header sent twice is joined with a comma, so it is not a token. */
export function tokenOf(headers: SentHeaders, { authorization = false }: SentTokenOptions = {}): string | undefined {
  const token = headerOf(headers, "x-access-token");
  if (token !== "") return token;
  // RFC 9110, 11.1: schemes are spelt in any case.
  return authorization ? /^bearer +(\S+) *$/i.exec(headerOf(headers, "authorization"))?.[1] : undefined;
}

/** The value of a header by its name in lower case; empty if there is none. */
function headerOf(headers: SentHeaders, name: string): string {
  if (hasGet(headers)) return headers.get(name) ?? "";
  return Object.entries(headers)
    .filter(([sent]) => sent.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
    .join(", ");
}

/** Whether headers have a method `get`; a header named get is a text. */
function hasGet(headers: SentHeaders): headers is Extract<SentHeaders, { get(name: string): unknown }> {
  return typeof headers.get === "function";
}
