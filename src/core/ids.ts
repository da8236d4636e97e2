// Names of tokens (jti, RFC 7519, 4.1.7), which hold their epoch: every revocation ends one.

import { hash, randomBytes } from "node:crypto";
import type { RevocationMarks } from "./ports.ts";

/** 48 bits: that two epochs of one device look the same is one chance in 10^14. */
const EPOCH_CHARACTERS = 8;
const RANDOM_BYTES = 9;
/** The characters of both: base64url has four for three bytes. */
const NAME = /^[\w-]{20}$/;

/** The epoch of tokens that are issued now: another one once any of the marks has changed, whichever way and by whatever clock. */
export function epochOf({ customerId, createdAt, device, customer }: RevocationMarks): string {
  return hash("sha256", `${customerId} ${createdAt} ${device} ${customer}`, "base64url").slice(0, EPOCH_CHARACTERS);
}

/** Names a token: its epoch, and 72 random bits in base64url. */
export function nameToken(epoch: string): string {
  return epoch + randomBytes(RANDOM_BYTES).toString("base64url");
}

/** Whether tokens are named so. */
export function isTokenId(text: string): boolean {
  return NAME.test(text);
}

/** The epoch of a token of this name; undefined for one that is named otherwise. */
export function readEpoch(jti: string): string | undefined {
  return isTokenId(jti) ? jti.slice(0, EPOCH_CHARACTERS) : undefined;
}

/** The mark of a revocation at `now`, in unix milliseconds, after the mark `before`: always another one, whatever the clocks say. */
export function markRevocation(before: number, now: number): number {
  return Math.max(before + 1, now);
}
