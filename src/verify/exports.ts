// What `countersign/verify` is to those who import it, and nothing else.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

export { VerifyError, type VerifyReason } from "./errors.ts";
export type { Identity } from "./identity.ts";
export { createVerifier, type Verifier, type VerifierOptions } from "./verifier.ts";
