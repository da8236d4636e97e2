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
  ["redis+sentinel://a/m?sentinel_password=p&sentinel_username=u", { sentinelLogin: { username: "u", password: "p" } }],
  [
    "rediss+sentinel://u:%C3%BC@a,[::1]:7,c/m%2F/3?sentinel_password=%26",
    {
      ...{ kind: "sentinel", tls: true, username: "u", password: "ü", master: "m/", db: 3 },
      sentinels: [addressOf("a", 26_379), addressOf("::1", 7), addressOf("c", 26_379)],
      sentinelLogin: { username: undefined, password: "&" },
    },
  ],
  [
    "redis+cluster://u:p@a.example:65535,192.0.2.1",
    {
      kind: "cluster",
      tls: false,
      username: "u",
      nodes: [addressOf("a.example", 65_535), addressOf("192.0.2.1", 6379)],
    },
  ],
])("%s is parsed", (text, read) => {
  expect(parseRedisUrl(text)).toMatchObject(read);
});

test.each([
  ["", "is not a Redis URL"],
  ["http://h", "is not a Redis URL"],
  ["redis://h#part", "is not a Redis URL"],
  ["redis://:secret@", "is not a Redis URL"],
  ["redis://a,b", "names several hosts"],
  ["redis://h:0", "has a port that is not from 1 to 65535"],
  ["redis://h:secret", "has a port that is not from 1 to 65535"],
  ["redis://:secret/part@h", "has a user or password with a slash, question mark or hash in it. Write them as %2F"],
  ["redis://u:secret#part@h", "has a user or password with a slash, question mark or hash in it. Write them as %2F"],
  ["redis+cluster://u:secret@a,u:secret@b", "has a user or password at several hosts. Write them once"],
  ["redis+cluster://a,,b", "has an invalid host"],
  ["redis://[h]", "has an invalid host"],
  ["redis://256.1.1.1", "has an invalid host"],
  ["redis://h h", "has a space or a line break in it"],
  ["redis://h/first", "has a database that is not a number"],
  ["redis+cluster://h/1", "names a database, but a Cluster has none"],
  ["redis+sentinel://h", "has to name the master that the Sentinels know, and at most a database after it"],
  ["redis+sentinel://h/m/1/2", "has to name the master that the Sentinels know, and at most a database after it"],
  ["redis+sentinel://h/m?sentinel_password", "has a parameter that is neither"],
  ["redis+sentinel://h/m??sentinel_password=p", "has a parameter that is neither"],
  ["redis+sentinel://h/m?sentinel%5Fpassword=p", "has a parameter that is neither"],
  [
    "redis+sentinel://h/m?password=secret",
    "has a parameter that is neither sentinel_username=… nor sentinel_password=…",
  ],
  ["redis+sentinel://h/m?sentinel_username=u", "has a sentinel_username without its sentinel_password"],
  ["redis://h?db=1", "has parameters after a question mark"],
  ["redis://:%zz@h", "is percent-encoded wrongly"],
])("%s %s", (text, mistake) => {
  expect(() => parseRedisUrl(text)).toThrow(mistake);
});

test("no error repeats any part of a password, wherever it is in the URL", () => {
  const secret = "Xq7vKz9w";
  const anyCharacters = fc.string({ unit: fc.constantFrom(..."/?#@:,[]%&= .a1") });
  fc.assert(
    fc.property(
      fc.constantFrom("redis://", "redis+sentinel://", "rediss+cluster://", "http://", ""),
      anyCharacters,
      anyCharacters,
      (scheme, before, after) => {
        try {
          parseRedisUrl(`${scheme}${before}${secret}${after}`);
        } catch (error) {
          expect(String(error)).not.toContain(secret);
          expect(error).not.toBeInstanceOf(URIError);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
