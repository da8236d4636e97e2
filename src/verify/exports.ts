// The exports of `countersign/verify`.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

export { type ErrorResponse, errorResponse } from "./error-response.ts";
export { VerifyError, type VerifyReason } from "./errors.ts";
export type { VerifierOptions } from "./options.ts";
export { type SentHeaders, type SentTokenOptions, tokenOf } from "./require-token.ts";
export { createVerifier, type Identity, type Verifier } from "./verifier.ts";
