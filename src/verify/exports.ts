// The exports of `countersign/verify`.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

export { VerifyError, type VerifyReason } from "./errors.ts";
export type { Identity } from "./identity.ts";
export type { VerifierOptions } from "./options.ts";
export { type HttpRefusal, refusalOf } from "./refusal.ts";
export { type SentHeaders, type SentTokenOptions, tokenOf } from "./sent-token.ts";
export { createVerifier, type Verifier } from "./verifier.ts";
