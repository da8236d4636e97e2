// Where a request has its token. Knows header names, and no framework.

export interface TokenPlace {
  /** Read `Authorization: Bearer` too, where there is no `x-access-token`. Not unless told: services have a use of their own for it. */
  readonly authorization?: boolean;
}

/** A header's value by its name in small letters. */
export type ReadHeader = (name: string) => string | undefined;

/** The token of a request; undefined: it has none. */
export function sentToken(read: ReadHeader, { authorization = false }: TokenPlace = {}): string | undefined {
  const token = read("x-access-token");
  if (token !== undefined || !authorization) return token;
  // RFC 9110, 11.4: schemes are spelt in any case.
  return /^bearer +(\S+) *$/i.exec(read("authorization") ?? "")?.[1];
}

/** Reads headers as node:http has them. */
export function nodeHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): ReadHeader {
  return (name) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
}
