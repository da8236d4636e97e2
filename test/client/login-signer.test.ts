// The login signer of countersign/grpc.

import { createSecretKey } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLoginSigner } from "../../src/client/login-signer.ts";

const identity = { deviceKey: "device-1", customerKey: "a-secret-that-stays" };

test("signs each second once, even if the clock steps back", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5_000_000 }), { minLength: 2, maxLength: 50 }), (times) => {
      let time = 0;
      const signer = createLoginSigner({ ...identity, now: () => time });
      const signed = times.map((at) => {
        time = at;
        return signer.sign().timestamp ?? 0;
      });
      expect(signed).toEqual([...new Set(signed)].sort((one, other) => one - other));
    }),
  );
});

test.each([
  [1_735_689_599, false],
  [1_735_689_600, true],
  [4_102_444_799, true],
  [4_102_444_800, false],
  [1_764_000_000_000, false],
  [Number.NaN, false],
])("the gateway's time %d is learned: %s", (serverTime, learned) => {
  const signer = createLoginSigner({ ...identity, now: () => 12_000 });
  expect(signer.learn(serverTime)).toBe(learned);
  expect(signer.sign().timestamp).toBe(learned ? serverTime : 12);
});

test.each([
  ["a file's contents", Buffer.from(`${identity.customerKey}\n`)],
  ["a file that Windows wrote", Buffer.from(`${identity.customerKey}\r\n`)],
  ["a secret key", createSecretKey(identity.customerKey, "utf8")],
])("the key may be %s", (_what, customerKey) => {
  const options = { ...identity, now: () => 1_764_000_000_000 };
  const login = createLoginSigner(options).sign();
  expect(createLoginSigner({ ...options, customerKey }).sign()).toEqual(login);
});

test.each([
  [{ customerKey: "" }, "customerKey is empty"],
  [{ customerKey: Buffer.from("\n") }, "customerKey is empty"],
  [{ customerKey: "a-secret\n" }, "customerKey has a line break"],
  [{ customerKey: Buffer.from("a-secret\n\n") }, "customerKey has a line break"],
  [{ customerKey: "a-secret\nanother" }, "customerKey has a line break"],
  [{ deviceKey: "" }, "deviceKey is not 1 to 96"],
  [{ deviceKey: "a b" }, "deviceKey is not 1 to 96"],
  [{ deviceKey: "x".repeat(97) }, "deviceKey is not 1 to 96"],
])("%o: %s", (wrong, message) => {
  const create = (): unknown => createLoginSigner({ ...identity, ...wrong });
  expect(create).toThrow(message);
  expect(create).not.toThrow(/a-secret/);
});

test("no dump of the signer shows the key", () => {
  const signer = createLoginSigner(identity);
  expect(inspect([signer, signer.sign()], { depth: 9, showHidden: true }) + JSON.stringify(signer)).not.toContain(
    identity.customerKey,
  );
});
