// Claims, limits and algorithms, the same for every peer.

export type Algorithm = "RS256" | "EdDSA";

export const ALGORITHMS: readonly Algorithm[] = ["RS256", "EdDSA"];

export const ISSUER = "https://login.example";
export const AUDIENCE = "devices";
export const CUSTOMER_ID = "0123456789abcdef";
export const TOKEN_SECONDS = 600;

/** Logins that a device has in a window. */
export const LOGIN_LIMIT = 10;
export const WINDOW_MS = 60_000;
/** How far a timestamp may be from now, either way. */
export const SKEW_SECONDS = 300;

/** A login as REST has it. */
export interface LoginBody {
  readonly device_key: string;
  readonly timestamp: number;
  readonly device_signature: string;
}
