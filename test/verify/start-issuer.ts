// An issuer that ends with the test.

import { onTestFinished } from "vitest";
import type { Mint } from "../vectors/forge.ts";
import { type Issuer, openIssuer } from "./issuer.ts";

/** Starts an issuer with these keys. */
export async function startIssuer(...mints: readonly Mint[]): Promise<Issuer> {
  const issuer = await openIssuer(...mints);
  onTestFinished(() => issuer.stop());
  return issuer;
}
