// Pages of lists: sizes, tokens and etags.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type ListRequest, listPage } from "../../../src/core/registry/lists.ts";
import type { PageQuery, PageResult } from "../../../src/core/registry/ports.ts";
import { etagOf, requireVersion } from "../../../src/core/registry/resources.ts";
import { caughtError } from "../caught-error.ts";

const FIELDS = { color: "text", labels: "text" } as const;
const ALL: ListRequest = { pageSize: 0, pageToken: "", filter: "" };

/** The page query of a request, and the page token for `next`. */
async function ask(request: Partial<ListRequest>, next?: string): Promise<{ page: PageQuery; token: string }> {
  const asked: PageQuery[] = [];
  const lookUp = async (page: PageQuery): Promise<PageResult<string>> => {
    asked.push(page);
    return { items: ["a"], next };
  };
  const { items, nextPageToken } = await listPage(FIELDS, { ...ALL, ...request }, lookUp, 0);
  expect(items).toEqual(["a"]);
  const [page] = asked;
  if (page === undefined) throw new Error("nothing was looked up");
  return { page, token: nextPageToken };
}

test.for([
  [0, 100],
  [1, 1],
  [1_000, 1_000],
  [1_001, 1_000],
  [2_147_483_647, 1_000],
] as const)("a page of %i has at most %i items", async ([pageSize, size]) => {
  expect((await ask({ pageSize })).page.size).toBe(size);
});

test("refuses a negative size", async () => {
  const error = { reason: "malformed", message: "page_size is negative", details: { field: "page_size" } };
  await expect(ask({ pageSize: -1 })).rejects.toMatchObject(error);
});

test("starts at the first row, and ends without a token", async () => {
  const { page, token } = await ask({});
  expect(page).toEqual({ after: "", size: 100, conditions: [] });
  expect(token).toBe("");
});

test("continues after the row of any token", async () => {
  const names = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const { token } = await ask({ filter: "color = red" }, name);
      expect(token).toMatch(/^[\w-]+$/);
      expect((await ask({ filter: " color=  red", pageToken: token, pageSize: 7 })).page).toEqual({
        after: name,
        size: 7,
        conditions: [{ field: "color", operator: "=", value: "red" }],
      });
    }),
    { numRuns: 50 },
  );
});

test("rejects a token that no list returned", async () => {
  const { token } = await ask({}, "some name");
  for (const pageToken of ["x", "!", "AAAAAAAAAAA", `${token}=`, `${token} `, `${token}AA`]) {
    await expect(ask({ pageToken })).rejects.toMatchObject({ reason: "malformed", details: { field: "page_token" } });
  }
});

test("an etag differs for each revision, and for a row created again", () => {
  const etags = [1, 2, 10, 11].flatMap((revision) => [5, 50].map((createdAt) => etagOf({ revision, createdAt })));
  expect(new Set(etags).size).toBe(8);
  for (const etag of etags) expect(etag).toMatch(/^"[\w-]+"$/);
});

test("a change needs the current etag, or none", () => {
  const row = { revision: 2, createdAt: 5 };
  requireVersion(row, "", "device");
  requireVersion(row, etagOf(row), "device");
  for (const etag of [etagOf({ ...row, revision: 1 }), "x", '""']) {
    const error = caughtError(() => requireVersion(row, etag, "device"));
    expect([error.reason, error.details]).toEqual(["etag_mismatch", { field: "etag" }]);
    expect(error.message).toBe("this device was changed after that etag was read. Read it again and repeat the change");
  }
});
