// A verifier, its issuer and its clocks, in the hands of a test.

import { createVerifier, type Verifier, type VerifierOptions, VerifyError } from "../../src/verify/exports.ts";
import type { Mint } from "../vectors/forge.ts";
import { type Issuer, NOW, newMint, tokenWith } from "./issuer.ts";
import { startIssuer } from "./start-issuer.ts";

/** The key that is published by default, and another. */
export const mint = newMint("key-1");
export const other = newMint("key-2", "EdDSA");

export interface Scene {
  readonly issuer: Issuer;
  readonly verifier: Verifier;
  readonly errors: readonly unknown[];
  /** Lets time go by, in seconds. */
  pass(seconds: number): void;
  /** Verifies a new token of this key: its device_key, or the reason of the error. */
  outcome(of?: Mint): Promise<string>;
}

/** Starts both; the issuer ends with the test. */
export async function begin(options: Partial<VerifierOptions> = {}, ...mints: readonly Mint[]): Promise<Scene> {
  const issuer = await startIssuer(...(mints.length === 0 ? [mint] : mints));
  const errors: unknown[] = [];
  let now = NOW;
  const verifier = createVerifier({
    issuer: mint.issuer,
    audience: mint.audience,
    jwksUrl: issuer.url,
    now: () => now,
    onFetchError: (error) => errors.push(error),
    ...options,
  });
  return {
    issuer,
    verifier,
    errors,
    pass(seconds) {
      now += seconds * 1000;
    },
    outcome: (of = mint) => {
      const token = tokenWith(of, { iat: now / 1000, exp: now / 1000 + 600 });
      return verifier.verify(token).then(
        ({ deviceKey }) => deviceKey,
        (error: unknown) => (error instanceof VerifyError ? error.reason : String(error)),
      );
    },
  };
}
