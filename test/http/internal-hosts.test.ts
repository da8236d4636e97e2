// Host names that the internal listener answers to.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createHostCheck } from "../../src/http/dispatch.ts";

const isAllowed = createHostCheck("Gateway.Example", ["countersign.internal", "countersign_1"]);
const anyCase = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => [...text].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(""));
const ending = fc.constantFrom("", ":", ":80", ":65535");

test.for([
  ...["", ":9090", ".", "localhost..", " localhost", "notlocalhost", "evil-countersign.internal", "2130706433", "::1"],
  ...["localhost.evil.example", "127.0.0.1.evil.example", "sub.countersign.internal", "[evil.example]", "[127.0.0.1]"],
  ...["localhost:9090:9090", "localhost:evil.example", "localhost@evil.example", "evil.example@localhost"],
  ...["evil.example#.localhost", "localhost, evil.example"],
])("refuses %j", (host) => {
  expect(isAllowed(host)).toBe(false);
});

test("accepts no Host, every IP address and every configured name, in any case and with any port", () => {
  expect(isAllowed(undefined)).toBe(true);
  const name = fc.constantFrom("localhost", "gateway.example", "countersign.internal", "countersign_1");
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    name.chain(anyCase),
    name.chain(anyCase).map((text) => `${text}.`),
    fc.domain().map((domain) => `${domain}.localhost`),
  );
  fc.assert(fc.property(host, ending, (text, port) => isAllowed(text + port)));
});

test("refuses every other domain, in any case and with any port", () => {
  const others = fc.domain().filter((domain) => !/^(gateway\.example|countersign\.internal)$/i.test(domain));
  const dot = fc.constantFrom("", ".");
  fc.assert(fc.property(others.chain(anyCase), dot, ending, (domain, end, port) => !isAllowed(domain + end + port)));
});
