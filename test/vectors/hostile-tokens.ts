// A corpus of hostile tokens. No verifier may accept one or crash.

import { isSigned, type Mint } from "./forge.ts";
import { hostileClaims } from "./hostile-claims.ts";
import { hostileForms } from "./hostile-forms.ts";
import { hostileHeaders } from "./hostile-headers.ts";
import { hostileSignatures } from "./hostile-signatures.ts";

export interface HostileToken {
  readonly name: string;
  readonly token: string;
  /**
   * Whether the issuer's key has signed it: it is from a faulty issuer, or a valid token in another spelling. A general JWS
   * verifier may accept it.
   */
  readonly signed: boolean;
}

/** Over 250 variants of a valid token (`validToken` of forge.ts), each with one mistake. */
export function hostileTokens(mint: Mint): readonly HostileToken[] {
  const tokens = { ...hostileHeaders(mint), ...hostileSignatures(mint), ...hostileForms(mint), ...hostileClaims(mint) };
  return Object.entries(tokens).map(([name, token]) => ({ name, token, signed: isSigned(mint, token) }));
}

/** Runs a verifier on the corpus; `answerOf` gives its reason. @returns the wrong answers, a line each */
export async function findMisjudged(mint: Mint, answerOf: (token: string) => Promise<string>): Promise<string[]> {
  const wrong: string[] = [];
  for (const { name, token } of hostileTokens(mint)) {
    const answer = await answerOf(token);
    const isRight = answer === "invalid" || (answer === "expired" && name.startsWith("exp "));
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
