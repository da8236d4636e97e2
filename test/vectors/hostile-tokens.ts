// A corpus of hostile tokens. No verifier may accept one or crash.

import { type HostileToken, isSigned, type Mint } from "./forge.ts";
import { hostileClaims } from "./hostile-claims.ts";
import { hostileForms } from "./hostile-forms.ts";
import { hostileHeaders } from "./hostile-headers.ts";
import { hostileSignatures } from "./hostile-signatures.ts";

/**
 * Over 320 variants of a valid token (`validToken` of forge.ts), each with one mistake. Many have a valid signature, as from a faulty
 * issuer: only a verifier that checks the claims refuses them.
 */
export function hostileTokens(mint: Mint): readonly HostileToken[] {
  const tokens = [...hostileHeaders(mint), ...hostileSignatures(mint), ...hostileForms(mint), ...hostileClaims(mint)];
  return tokens.map((hostile) => ({ ...hostile, signed: isSigned(mint, hostile.token) }));
}

/** Runs a verifier on the corpus; `answerOf` gives its reason. @returns the wrong answers, a line each */
export async function findMisjudged(mint: Mint, answerOf: (token: string) => Promise<string>): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, token, reason } of hostileTokens(mint)) {
    const answer = await answerOf(token);
    const isRight = reason === undefined ? ["expired", "invalid"].includes(answer) : answer === reason;
    if (!isRight) wrong.push(`${name}: ${answer}`);
  }
  return wrong;
}

/**
 * Whether a token arrives unchanged in an HTTP field: printable Latin-1, not empty, without whitespace at its ends, which a receiver
 * removes (RFC 9110, 5.5). Others cannot be sent or arrive as another token.
 */
export function fitsField(token: string): boolean {
  return /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(token);
}
