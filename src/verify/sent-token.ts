// Where a request has its token. Knows header names, and no framework.

export interface SentTokenOptions {
  /** Read `Authorization: Bearer` too, where there is no `x-access-token`. Not unless told: services have a use of their own for it. */
  readonly authorization?: boolean;
}

/** The headers of a request: Fetch's, whatever else has such a `get`, or an object whose names are in any case. */
export type SentHeaders =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The token of a request; undefined: it has none. What was sent twice is one text with a comma in it, as HTTP has it, and no token. */
export function tokenOf(headers: SentHeaders, { authorization = false }: SentTokenOptions = {}): string | undefined {
  const token = headerOf(headers, "x-access-token");
  if (token !== "") return token;
  // RFC 9110, 11.1: schemes are spelt in any case.
  return authorization ? /^bearer +(\S+) *$/i.exec(headerOf(headers, "authorization"))?.[1] : undefined;
}

/** The value of a header by its name in small letters; empty where there is none. */
function headerOf(headers: SentHeaders, name: string): string {
  if (hasGet(headers)) return headers.get(name) ?? "";
  return Object.entries(headers)
    .filter(([sent]) => sent.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
    .join(", ");
}

/** A header may be called get, and is a text. */
function hasGet(headers: SentHeaders): headers is Extract<SentHeaders, { get(name: string): unknown }> {
  return typeof headers.get === "function";
}
