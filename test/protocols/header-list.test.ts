// Header lists: the Fetch standard's Headers, with the spelling kept.

import fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderList } from "../../src/protocols/header-list.ts";

test("keeps the last spelling of a name", () => {
  const headers = new HeaderList();
  headers.set("x-ratelimit-limit", "9");
  headers.set("X-RateLimit-Limit", "10");
  headers.set("Retry-After", "1");
  const fields = [
    ["X-RateLimit-Limit", "10"],
    ["Retry-After", "1"],
  ];
  expect([...headers]).toEqual(fields);
  expect([...headers.entries()]).toEqual(fields);
  expect([...headers.keys()]).toEqual(["X-RateLimit-Limit", "Retry-After"]);
  expect([...headers.values()]).toEqual(["10", "1"]);
  const visited: string[][] = [];
  headers.forEach((value, name, parent) => {
    expect(parent).toBe(headers);
    visited.push([name, value]);
  });
  expect(visited).toEqual(fields);
});

test("returns at most one cookie", () => {
  const headers = new HeaderList();
  expect(headers.getSetCookie()).toEqual([]);
  headers.set("set-cookie", "a=1");
  expect(headers.getSetCookie()).toEqual(["a=1"]);
});

test("answers as Headers does after the same operations", () => {
  const name = fc.constantFrom("Etag", "etag", "ETAG", "Retry-After", "retry-after", "X-A", "x-a");
  const operation = fc.tuple(fc.constantFrom("set", "append", "delete"), name, fc.stringMatching(/^[!-~]{1,8}$/));
  const lower = (headers: Headers) => [...headers].map(([name, value]) => [name.toLowerCase(), value]).sort();
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
      expect(lower(ours)).toEqual(lower(theirs));
      for (const name of ["ETag", "RETRY-AFTER", "x-a", "X-B"]) {
        expect([ours.get(name), ours.has(name)]).toEqual([theirs.get(name), theirs.has(name)]);
      }
    }),
  );
});
