// Serves the dashboard: files under a strict Content-Security-Policy, sign-in and sign-out.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { AuthError, malformed } from "../core/errors.ts";
import { SESSION_HEADER, type Sessions, type SessionText, writeSessionCookie } from "../core/registry/sessions.ts";
import type { HeaderField } from "../protocols/exchange.ts";
import { parseJson } from "../protocols/json.ts";
import { isObject } from "../protocols/mistakes.ts";
import { document } from "./documents.ts";
import type { Endpoint, EndpointAnswer, Endpoints } from "./endpoints.ts";

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** No inline script or style, no request to anywhere else, no frame around the page. */
const HEADERS: readonly HeaderField[] = [
  [
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
  ["Vary", "Accept-Encoding"],
];

/** In seconds. Names below assets/ contain a hash of the content. */
const HASHED_MAX_AGE = 31_536_000;

/** Serves the files of a folder, index.html at `/`. Without index.html, `/` says how to build it. */
export function staticFiles(folder: string): Endpoints {
  if (!existsSync(join(folder, "index.html"))) return { "/": NOT_BUILT };
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const routes = names.flatMap((name): [string, Endpoint][] => {
    const contentType = MEDIA_TYPES[extname(name)];
    const path = name === "index.html" ? "/" : `/${name.replaceAll("\\", "/")}`;
    return contentType === undefined ? [] : [[path, serveFile(join(folder, name), contentType, path)]];
  });
  return Object.fromEntries(routes);
}

const NOT_BUILT = document(() => ({
  status: 503,
  contentType: "text/plain; charset=utf-8",
  body: "The dashboard is not built. In a checkout run: npm ci (without NODE_ENV=production), or npm run build:dashboard\n",
}));

function serveFile(file: string, contentType: string, path: string): Endpoint {
  const content = readFileSync(file);
  let compressed: Buffer | undefined;
  const shared = { contentType, ...(path.startsWith("/assets/") && { maxAge: HASHED_MAX_AGE }) };
  return document(({ header }): EndpointAnswer => {
    if (!/\bgzip\b/.test(header("accept-encoding") ?? "")) return { ...shared, headers: HEADERS, body: content };
    compressed ??= gzipSync(content, { level: 9 });
    return { ...shared, headers: [...HEADERS, ["Content-Encoding", "gzip"]], body: compressed };
  });
}

export interface SignInOptions {
  readonly sessions: Pick<Sessions, "openByToken" | "openByCode">;
  /** The listener speaks TLS. */
  readonly secure: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const MOST_BYTES = 1_024;

/** Exchanges an admin token or a code for a session cookie. The endpoints throw AuthError `malformed`, `invalid_admin_token`, `unavailable`. */
export function signInEndpoints({ sessions, secure, now }: SignInOptions): Endpoints {
  const setCookie = (sessionOf: (body: Uint8Array) => Promise<SessionText>): Endpoint => ({
    method: "POST",
    maxBytes: MOST_BYTES,
    async answer({ header, body }) {
      // A page of another origin cannot send the header.
      if (header(SESSION_HEADER) === undefined) {
        const message = `the header ${SESSION_HEADER} is missing. Sign in from the dashboard`;
        throw new AuthError("invalid_admin_token", message);
      }
      const { text, expiresAt } = await sessionOf(body);
      const maxAge = Math.max(0, Math.floor((expiresAt - now()) / 1_000));
      const headers: HeaderField[] = [["Set-Cookie", writeSessionCookie(text, maxAge, secure)]];
      return { contentType: "application/json", headers, body: "{}" };
    },
  });
  return {
    "/dashboard/sign-in": setCookie(async (body) => openSession(sessions, body)),
    "/dashboard/sign-out": setCookie(async () => ({ text: "", expiresAt: 0 })),
  };
}

function openSession(sessions: SignInOptions["sessions"], body: Uint8Array): Promise<SessionText> {
  const parsed = parseJson(body);
  const { code, token } = isObject(parsed) ? parsed : {};
  if (typeof code === "string") return sessions.openByCode(code);
  if (typeof token === "string") return sessions.openByToken(token);
  throw malformed("token is missing. Send the admin token as token in JSON", "token");
}
