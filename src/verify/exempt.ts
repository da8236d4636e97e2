// Methods that want no token, for interceptors, which are before every service of a server. Knows names, and no framework.

import type { RequireTokenOptions } from "./require-token.ts";

export interface InterceptorOptions extends RequireTokenOptions {
  /** Methods that are called without a token, each in full: `/grpc.health.v1.Health/Check`. Their handlers have no identity. */
  readonly exempt?: readonly string[];
}

const METHOD = /^\/[\w.]+\/\w+$/;

/** Whether a method wants no token. @throws TypeError for what can be no method's name */
export function exemptionOf({ exempt = [] }: InterceptorOptions = {}): (method: string) => boolean {
  const wrong = exempt.find((name) => !METHOD.test(name));
  if (wrong !== undefined) {
    throw new TypeError(
      `exempt names no method by ${JSON.stringify(wrong)}: it is to be like "/grpc.health.v1.Health/Check"`,
    );
  }
  const exempted = new Set(exempt);
  return (method) => exempted.has(method);
}
