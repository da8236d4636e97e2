// Headers by which proxies tell addresses, in lower case: the usual one, and that of RFC 7239.

export const FORWARDED_HEADERS = ["x-forwarded-for", "forwarded"] as const;

export type ForwardedHeader = (typeof FORWARDED_HEADERS)[number];
