// What proxies tell addresses by, in lower case: the usual header, and that of RFC 7239. Knows no transport.

export const FORWARDED_HEADERS = ["x-forwarded-for", "forwarded"] as const;

export type ForwardedHeader = (typeof FORWARDED_HEADERS)[number];
