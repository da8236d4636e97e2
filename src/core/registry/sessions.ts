// Sessions of the dashboard: an admin token or a sign-in code, exchanged for a sealed cookie (RFC 6265).

import { createHash, randomBytes } from "node:crypto";
import { AuthError } from "../errors.ts";
import type { Operators, OperatorToken } from "./operators.ts";

/** Seals text under the master key, so that every gateway opens it. */
export interface SessionSealer {
  seal(plaintext: Uint8Array, context: readonly string[]): Uint8Array;
  /** @throws Error for anything that `seal` did not make */
  open(sealed: Uint8Array, context: readonly string[]): Uint8Array;
}

/** Codes that sign in once. Throws AuthError `unavailable` while the database is away. */
export interface SignInCodeStore {
  /** Adds a code, and deletes those that have expired at `now`. */
  insert(hash: string, tokenId: string, expiresAt: number, now: number): Promise<void>;
  /** Deletes a code and returns it. Only one of concurrent calls gets it. */
  take(hash: string): Promise<{ readonly tokenId: string; readonly expiresAt: number } | undefined>;
}

export interface Session {
  /** The value of the cookie. */
  readonly text: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Each use case throws AuthError: `invalid_admin_token`, or an error of the store. */
export interface Sessions {
  openByToken(adminToken: string): Promise<Session>;
  openByCode(code: string): Promise<Session>;
  /** Returns the admin token that opened a session. */
  confirm(text: string): Promise<OperatorToken>;
  /** Creates a code that opens one session within a minute. */
  issueCode(token: OperatorToken): Promise<{ readonly code: string; readonly expiresAt: number }>;
}

interface SessionsDependencies {
  readonly operators: Pick<Operators, "identify" | "confirm">;
  readonly signInCodes: SignInCodeStore;
  readonly sealer: SessionSealer;
  readonly now: () => number;
}

const SESSION_MS = 12 * 3_600_000;
const CODE_MS = 60_000;
const CODE_BYTES = 32;
const CONTEXT = ["dashboard session"];
const SESSION = /^([0-9a-f]{8}) (\d{1,15})$/;
/** Longer than any session. */
const LONGEST = 256;

export function createSessions({ operators, signInCodes, sealer, now }: SessionsDependencies): Sessions {
  function open({ tokenId, expiresAt: tokenExpiresAt }: OperatorToken): Session {
    const expiresAt = Math.min(now() + SESSION_MS, tokenExpiresAt ?? Number.POSITIVE_INFINITY);
    const sealed = sealer.seal(Buffer.from(`${tokenId} ${expiresAt}`), CONTEXT);
    return { text: Buffer.from(sealed).toString("base64url"), expiresAt };
  }

  function unseal(text: string): { readonly tokenId: string; readonly expiresAt: number } | undefined {
    if (text.length > LONGEST) return undefined;
    try {
      const opened = Buffer.from(sealer.open(Buffer.from(text, "base64url"), CONTEXT)).toString();
      const [, tokenId, expiresAt] = SESSION.exec(opened) ?? [];
      return tokenId === undefined ? undefined : { tokenId, expiresAt: Number(expiresAt) };
    } catch {
      return undefined;
    }
  }

  return {
    async openByToken(adminToken) {
      return open(await operators.identify(adminToken));
    },

    async openByCode(code) {
      const taken = await signInCodes.take(hashOf(code));
      if (taken === undefined || taken.expiresAt <= now()) {
        throw invalidSession(
          "this link has signed in already or is older than a minute. Run npx countersign dashboard",
        );
      }
      return open(await operators.confirm(taken.tokenId));
    },

    async confirm(text) {
      const session = unseal(text);
      if (session === undefined || session.expiresAt <= now())
        throw invalidSession("the session has ended. Sign in again");
      return operators.confirm(session.tokenId);
    },

    async issueCode({ tokenId }) {
      const code = randomBytes(CODE_BYTES).toString("base64url");
      const at = now();
      await signInCodes.insert(hashOf(code), tokenId, at + CODE_MS, at);
      return { code, expiresAt: at + CODE_MS };
    },
  };
}

/** The link that signs in with a code. The code is in the fragment, which browsers do not send. */
export function signInLink(internalUrl: string, code: string): string {
  return `${internalUrl.replace(/\/$/, "")}/#sign-in=${code}`;
}

function invalidSession(message: string): AuthError {
  return new AuthError("invalid_admin_token", message);
}

function hashOf(code: string): string {
  return createHash("sha256").update(`countersign sign-in code v1\0${code}`).digest("hex");
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
export function readSessionCookie(
  cookies: string | null | undefined,
  header: string | null | undefined,
  secure: boolean,
): string | undefined {
  if (!cookies || !header) return undefined;
  const prefix = `${nameOf(secure)}=`;
  return cookies
    .split(";")
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(prefix))
    ?.slice(prefix.length);
}
