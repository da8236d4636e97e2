// The session cookie of the dashboard, as HTTP carries it (RFC 6265).

/**
 * The header that each request with a session carries. A page of another origin cannot send it without a preflight, which this
 * listener does not answer.
 */
export const SESSION_HEADER = "x-countersign-dashboard";

/** Over TLS, the prefix keeps other hosts and plain HTTP from setting it (RFC 6265bis, 4.1.3.2). */
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
