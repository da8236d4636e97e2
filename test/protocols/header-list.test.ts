// Header lists: the Fetch standard's Headers, with the spelling kept.

import fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderList } from "../../src/protocols/header-list.ts";

test("keeps the last spelling of a name", () => {
  const headers = new HeaderList();
  headers.set("x-ratelimit-limit", "9");
  headers.set("X-RateLimit-Limit", "10");
  headers.set("Retry-After", "1");
  expect([...headers]).toEqual([
    ["X-RateLimit-Limit", "10"],
    ["Retry-After", "1"],
  ]);
});

test("returns at most one cookie", () => {
  const headers = new HeaderList();
  expect(headers.getSetCookie()).toEqual([]);
  headers.set("set-cookie", "a=1");
  expect(headers.getSetCookie()).toEqual(["a=1"]);
});

/** Everything that iterates over headers; their order and spelling may differ. */
function iterate(headers: Headers): readonly string[][] {
  const visited: string[] = [];
  headers.forEach((value, name, parent) => void visited.push(`${name} ${value} ${parent === headers}`));
  const all = [visited, [...headers], [...headers.entries()], [...headers.keys()], [...headers.values()]];
  return all.map((list) => list.map((one) => String(one).toLowerCase()).sort());
}

test("answers as Headers does after the same operations", () => {
  const name = fc.constantFrom("Etag", "etag", "ETAG", "Retry-After", "retry-after", "X-A", "x-a");
  const operation = fc.tuple(fc.constantFrom("set", "append", "delete"), name, fc.stringMatching(/^[!-~]{1,8}$/));
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
      expect(iterate(ours)).toEqual(iterate(theirs));
      for (const name of ["ETag", "RETRY-AFTER", "x-a", "X-B"]) {
        expect([ours.get(name), ours.has(name)]).toEqual([theirs.get(name), theirs.has(name)]);
      }
    }),
  );
});
