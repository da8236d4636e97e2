// AdminService's pages of signing keys, of which there are so few that all of them are at hand. Knows no store.

import type { SigningKeySummary } from "../core/ports.ts";
import { type Listing, type ListRequest, listPage } from "../core/registry/pages.ts";

const LIST = { name: "signing-keys", fields: {} };

/** A page of `keys`. @throws AuthError `malformed` */
export function pageOfSigningKeys(
  keys: readonly SigningKeySummary[],
  request: Omit<ListRequest, "filter">,
): Promise<Listing<SigningKeySummary>> {
  return listPage(LIST, { ...request, filter: "" }, async ({ after, size }) => {
    const start = keys.findIndex(({ kid }) => kid === after) + 1;
    const items = keys.slice(start, start + size);
    return { items, next: start + size < keys.length ? items.at(-1)?.kid : undefined };
  });
}
