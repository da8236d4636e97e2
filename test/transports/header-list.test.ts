// Header lists: the Fetch standard's Headers, with the spelling kept; and how names that lost theirs are spelled.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeaderList } from "../../src/transports/header-list.ts";
import { spellHeaderName } from "../../src/transports/header-names.ts";

describe("HeaderList", () => {
  test("keeps the spelling that a name was last set in", () => {
    const headers = new HeaderList();
    headers.set("x-ratelimit-limit", "9");
    headers.set("X-RateLimit-Limit", "10");
    headers.set("Retry-After", "1");
    expect([...headers]).toEqual([
      ["X-RateLimit-Limit", "10"],
      ["Retry-After", "1"],
    ]);
  });

  test("finds a name in any spelling", () => {
    const headers = new HeaderList();
    headers.set("X-RateLimit-Limit", "10");
    expect(headers.get("x-ratelimit-LIMIT")).toBe("10");
    expect(headers.has("X-RATELIMIT-LIMIT")).toBe(true);
    headers.delete("x-ratelimit-limit");
    expect(headers.get("X-RateLimit-Limit")).toBeNull();
  });

  test("answers as Headers does, whatever is done to both", () => {
    const name = fc.constantFrom(
      "Etag",
      "etag",
      "ETAG",
      "Retry-After",
      "retry-after",
      "X-A",
      "x-a",
      "Set-Cookie",
      "set-cookie",
    );
    const value = fc.stringMatching(/^[!-~]{1,8}$/);
    const operation = fc.tuple(fc.constantFrom("set", "append", "delete"), name, value);
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const [ours, theirs] = [new HeaderList(), new Headers()];
        for (const [verb, name, value] of operations) {
          for (const headers of [ours, theirs]) {
            if (verb === "delete") headers.delete(name);
            else if (verb === "set") headers.set(name, value);
            else headers.append(name, value);
          }
        }
        const lower = (headers: Headers): [string, string][] =>
          [...headers].map(([name, value]): [string, string] => [name.toLowerCase(), value]).sort();
        expect(lower(ours)).toEqual(lower(theirs));
        expect(ours.getSetCookie()).toEqual(theirs.getSetCookie());
        for (const name of ["ETag", "RETRY-AFTER", "x-a", "X-B"]) {
          expect(ours.get(name)).toBe(theirs.get(name));
          expect(ours.has(name)).toBe(theirs.has(name));
        }
      }),
    );
  });

  test("gives its fields in every way that Headers does", () => {
    const headers = new HeaderList();
    headers.set("ETag", '"a"');
    headers.set("X-A", "b");
    const seen: [string, string][] = [];
    headers.forEach((value, name, parent) => {
      expect(parent).toBe(headers);
      seen.push([name, value]);
    });
    expect(seen).toEqual([...headers.entries()]);
    expect([...headers.keys()]).toEqual(["ETag", "X-A"]);
    expect([...headers.values()]).toEqual(['"a"', "b"]);
    expect([...new Headers(headers)]).toEqual([
      ["etag", '"a"'],
      ["x-a", "b"],
    ]);
  });

  test("keeps cookies apart", () => {
    const headers = new HeaderList();
    expect(headers.getSetCookie()).toEqual([]);
    headers.append("Set-Cookie", "a=1");
    headers.append("set-cookie", "b=2");
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect([...headers]).toEqual([
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    expect([...headers.values()]).toEqual(["a=1", "b=2"]);
    expect(new Headers([...headers]).getSetCookie()).toEqual(["a=1", "b=2"]);
    const seen: string[] = [];
    headers.forEach((value) => {
      seen.push(value);
    });
    expect(seen).toEqual(["a=1", "b=2"]);
  });
});

test.for([
  ["content-type", "Content-Type"],
  ["etag", "ETag"],
  ["www-authenticate", "WWW-Authenticate"],
  ["x-ratelimit-limit", "X-RateLimit-Limit"],
  ["x-ratelimit-remaining", "X-RateLimit-Remaining"],
  ["x-ratelimit-reset", "X-RateLimit-Reset"],
  ["ratelimit", "RateLimit"],
  ["ratelimit-policy", "RateLimit-Policy"],
  ["retry-after", "Retry-After"],
  ["grpc-status-details-bin", "Grpc-Status-Details-Bin"],
] as const)("spells %s as boards look it up: %s", ([name, spelled]) => {
  expect(spellHeaderName(name)).toBe(spelled);
});
