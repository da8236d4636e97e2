// How HTTP/1 header names are spelled: clients in the field look them up letter by letter. Knows names alone.

const IRREGULAR: Readonly<Record<string, string>> = {
  etag: "ETag",
  ratelimit: "RateLimit",
  "ratelimit-policy": "RateLimit-Policy",
  "www-authenticate": "WWW-Authenticate",
  "x-ratelimit-limit": "X-RateLimit-Limit",
  "x-ratelimit-remaining": "X-RateLimit-Remaining",
  "x-ratelimit-reset": "X-RateLimit-Reset",
};

/** The customary spelling of a header name that was lower-cased on its way. */
export function spellHeaderName(name: string): string {
  return IRREGULAR[name] ?? name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
