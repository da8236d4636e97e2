// Redis URLs: every form is parsed, and no error shows the password.

import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRedisUrl, type RedisUrl } from "../../../src/core/limiter/redis-url.ts";

const addressOf = (host: string, port: number) => ({ host, port });
const none = { username: undefined, password: undefined };

test.each<[string, Partial<RedisUrl> & Record<string, unknown>]>([
  ["redis://h/", { kind: "standalone", tls: false, ...none, host: "h", port: 6379, db: 0 }],
  ["rediss://:p%40ss%2F@[2001:db8::1]:7000/3", { password: "p@ss/", host: "2001:db8::1", port: 7000, db: 3 }],
  // The last at sign counts, as in WHATWG URLs.
  ["redis://user:p@ss+word@127.0.0.1", { username: "user", password: "p@ss+word", host: "127.0.0.1" }],
  ["redis://user@h", { username: "user", password: "", host: "h" }],
  ["REDIS+Sentinel://a/limits", { kind: "sentinel", master: "limits", db: 0, sentinelLogin: none }],
  ["redis+sentinel://a/m?sentinel_password=%26", { sentinelLogin: { username: undefined, password: "&" } }],
  ["redis+sentinel://a/m?sentinel_password=p&sentinel_username=u", { sentinelLogin: { username: "u", password: "p" } }],
  ["rediss+sentinel://u:%C3%BC@a/m%2F/3", { tls: true, username: "u", password: "ü", master: "m/", db: 3 }],
  [
    "redis+sentinel://u:p@a,[::1]:7,c/m",
    { username: "u", sentinels: [addressOf("a", 26_379), addressOf("::1", 7), addressOf("c", 26_379)] },
  ],
  [
    "redis+cluster://u:p@a.b:65535,192.0.2.1",
    { kind: "cluster", tls: false, username: "u", nodes: [addressOf("a.b", 65_535), addressOf("192.0.2.1", 6379)] },
  ],
])("%s is parsed", (text, read) => {
  expect(parseRedisUrl(text)).toMatchObject(read);
});

const SENTINEL = "redis+sentinel://h/m";

test.for<readonly [mistake: string, ...urls: string[]]>([
  ["is not a Redis URL", "", "http://h", "redis://h#part", "redis://:secret@"],
  ["names several hosts", "redis://a,b"],
  ["has a port that is not from 1 to 65535", "redis://h:0", "redis://h:secret"],
  [
    "has a user or password with a slash, question mark or hash in it. Write them as %2F",
    "redis://:secret/part@h",
    "redis://u:secret#part@h",
  ],
  ["has a user or password at several hosts. Write them once", "redis+cluster://u:secret@a,u:secret@b"],
  ["has an invalid host", "redis+cluster://a,,b", "redis://[h]", "redis://256.1.1.1"],
  ["has a space or a line break in it", "redis://h h"],
  ["has a database that is not a number", "redis://h/first"],
  ["names a database, but a Cluster has none", "redis+cluster://h/1"],
  [
    "has to name the master that the Sentinels know, and at most a database after it",
    "redis+sentinel://h",
    `${SENTINEL}/1/2`,
  ],
  [
    "has a parameter that is neither sentinel_username=… nor sentinel_password=…",
    ...["?sentinel_password", "??sentinel_password=p", "?sentinel%5Fpassword=p", "?password=secret"].map(
      (query) => `${SENTINEL}${query}`,
    ),
  ],
  ["has a sentinel_username without its sentinel_password", `${SENTINEL}?sentinel_username=u`],
  ["has parameters after a question mark", "redis://h?db=1"],
  ["is percent-encoded wrongly", "redis://:%zz@h"],
])("the error says that it %s", ([mistake, ...urls]) => {
  for (const url of urls) expect(() => parseRedisUrl(url), url).toThrow(mistake);
});

test("no error repeats any part of a password, wherever it is in the URL", () => {
  const secret = "Xq7vKz9w";
  const scheme = fc.constantFrom("redis://", "redis+sentinel://", "rediss+cluster://", "http://", "");
  const part = fc.string({ unit: fc.constantFrom(..."/?#@:,[]%&= .a1") });
  fc.assert(
    fc.property(scheme, part, part, (start, before, after) => {
      try {
        parseRedisUrl(`${start}${before}${secret}${after}`);
      } catch (error) {
        expect(String(error)).not.toContain(secret);
        expect(error).not.toBeInstanceOf(URIError);
      }
    }),
    { numRuns: 1_000 },
  );
});
