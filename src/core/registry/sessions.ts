// Dashboard sessions: an admin token or sign-in code becomes a sealed cookie.

import { AuthError } from "../errors.ts";
import { CLOCKS_APART_MS, type Limiter, type Policy } from "../ports.ts";
import type { Operators, OperatorToken } from "./operators.ts";

/** Seals text under the master key, so that every gateway opens it. */
export interface SessionSealer {
  seal(plaintext: Uint8Array, context: readonly string[]): Uint8Array;
  /** @throws Error for anything that `seal` did not make */
  open(sealed: Uint8Array, context: readonly string[]): Uint8Array;
}

/** A sealed text: the cookie of a session, or a code that signs in once. */
export interface SessionText {
  readonly text: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Each use case throws AuthError: `invalid_admin_token`, or an error of the store. */
export interface Sessions {
  openByToken(adminToken: string): Promise<SessionText>;
  openByCode(code: string): Promise<SessionText>;
  /** Returns the admin token that opened a session. */
  confirm(text: string): Promise<OperatorToken>;
  /** Creates a code that opens one session within a minute. */
  issueCode(token: OperatorToken): SessionText;
}

interface SessionsDependencies {
  readonly operators: Pick<Operators, "identify" | "confirm">;
  readonly sealer: SessionSealer;
  /** Counts the use of codes. */
  readonly limiter: Pick<Limiter, "charge">;
  readonly now: () => number;
}

const LIFE_MS = { session: 12 * 3_600_000, code: 60_000 };
type Kind = keyof typeof LIFE_MS;
const OVER = {
  session: "the session has ended. Sign in again",
  code: "this link has signed in already or is older than a minute. Run npx countersign dashboard",
} satisfies Record<Kind, string>;
/** A code is accepted once, even if the clocks of gateways differ. */
const ONCE: Policy = { name: "replay", limit: 1, windowMs: LIFE_MS.code + CLOCKS_APART_MS };
/** More characters than any session or code has. */
const LONGEST = 256;

export function createSessions({ operators, sealer, limiter, now }: SessionsDependencies): Sessions {
  function seal(kind: Kind, { tokenId, expiresAt: tokenEnd }: OperatorToken): SessionText {
    const expiresAt = Math.min(now() + LIFE_MS[kind], tokenEnd ?? Number.POSITIVE_INFINITY);
    const sealed = sealer.seal(Buffer.from(`${tokenId} ${expiresAt}`), [`dashboard ${kind}`]);
    return { text: Buffer.from(sealed).toString("base64url"), expiresAt };
  }

  /** Returns what was sealed; empty for another text. */
  function unseal(kind: Kind, text: string): string {
    const sealed = Buffer.from(text.slice(0, LONGEST), "base64url");
    // Another spelling of the same bytes would be another code.
    if (sealed.toString("base64url") !== text) return "";
    try {
      return Buffer.from(sealer.open(sealed, [`dashboard ${kind}`])).toString();
    } catch {
      return "";
    }
  }

  async function confirm(kind: Kind, text: string): Promise<OperatorToken> {
    const [tokenId = "", expiresAt] = unseal(kind, text).split(" ");
    if (Number(expiresAt) > now()) return operators.confirm(tokenId);
    throw new AuthError("invalid_admin_token", OVER[kind]);
  }

  return {
    async openByToken(adminToken) {
      return seal("session", await operators.identify(adminToken));
    },

    async openByCode(code) {
      const token = await confirm("code", code);
      // No device_key has a space, so this key is never a device's.
      const { denied } = await limiter.charge([{ policy: ONCE, key: ` ${code}` }], now());
      if (denied >= 0) throw new AuthError("invalid_admin_token", OVER.code);
      return seal("session", token);
    },

    confirm: (text) => confirm("session", text),
    issueCode: (token) => seal("code", token),
  };
}

/** The link that signs in with a code. The code is in the fragment, which browsers do not send. */
export function signInLink(internalUrl: string, code: string): string {
  return `${internalUrl.replace(/\/$/, "")}/#sign-in=${code}`;
}

/**
 * The header that each request with a session carries. A page of another origin cannot send it without a preflight, which this
 * listener does not answer.
 */
export const SESSION_HEADER = "x-countersign-dashboard";

/** The cookie's name. Over TLS its prefix stops other hosts and plain HTTP from setting it (RFC 6265bis, 4.1.3.2). */
function nameOf(secure: boolean): string {
  return secure ? "__Host-countersign-session" : "countersign-session";
}

/** The value of `Set-Cookie` for a session; an empty text ends it. `maxAge` in seconds. */
export function writeSessionCookie(text: string, maxAge: number, secure: boolean): string {
  const attributes = `Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict`;
  return `${nameOf(secure)}=${text}; ${attributes}${secure ? "; Secure" : ""}`;
}

/** The session of a request; undefined without the cookie or the header. */
export function readSessionCookie(headers: Pick<Headers, "get">, secure: boolean): string | undefined {
  if (headers.get(SESSION_HEADER) === null) return undefined;
  const prefix = `${nameOf(secure)}=`;
  const cookies = headers.get("cookie")?.split(/; */) ?? [];
  return cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length);
}
