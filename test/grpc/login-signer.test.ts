// Logins as the package signs them: by the published vectors, each in a second of its own, the key nowhere to be seen.

import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLoginSigner } from "../../src/grpc/login-signer.ts";
import { loginVectors } from "../vectors/login-signatures.ts";

const identity = { deviceKey: "device-1", customerKey: "a-secret-that-stays" };

test.for(loginVectors)("a vector is what it signs: $note", (vector) => {
  const { device_key, customer_key_hex, timestamp, device_signature } = vector;
  const customerKey = createSecretKey(customer_key_hex, "hex");
  const signer = createLoginSigner({ deviceKey: device_key, customerKey, now: () => timestamp * 1000 + 999 });
  expect(signer.sign()).toEqual({ device_key, timestamp, device_signature });
});

test("no second is signed twice, however often and by whatever clock", () => {
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

test("a gateway's clock is taken over, from then on and past what was signed before", () => {
  let time = 1_764_003_600_000;
  const signer = createLoginSigner({ ...identity, now: () => time });
  expect(signer.sign().timestamp).toBe(1_764_003_600);
  signer.learn(1_764_000_000);
  time += 2_500;
  expect([signer.sign().timestamp, signer.sign().timestamp]).toEqual([1_764_000_002, 1_764_000_003]);
});

const DAY = 86_400;
const SET = 1_800_000_000;

test.each<[string, number, number, boolean]>([
  ["a year behind", SET, SET + 366 * DAY, true],
  ["a year ahead", SET, SET - 366 * DAY, true],
  ["over a year behind", SET, SET + 366 * DAY + 1, false],
  ["over a year ahead", SET, SET - 366 * DAY - 1, false],
  ["of 1970", 12, SET, true],
  ["of the last second before 2025", 1_735_689_599, 4_102_444_799, true],
  ["of 2025", 1_735_689_600, 4_102_444_799, false],
  ["of 1970, told the year 2100", 12, 4_102_444_800, false],
  ["of 1970, told 1970", 12, 3600, false],
  ["told milliseconds", SET, SET * 1000, false],
  ["told nothing", SET, Number.NaN, false],
])("a clock %s", (_what, own, told, learned) => {
  const signer = createLoginSigner({ ...identity, now: () => own * 1000 });
  if (learned) signer.learn(told);
  else expect(() => signer.learn(told)).toThrow(RangeError);
  expect(signer.sign().timestamp).toBe(learned ? told : own);
});

test.each([
  ["a file's contents", Buffer.from(`${identity.customerKey}\n`)],
  ["a file that Windows wrote", Buffer.from(`${identity.customerKey}\r\n`)],
  ["a secret key", createSecretKey(identity.customerKey, "utf8")],
])("the key may be %s", (_what, customerKey) => {
  const now = (): number => 1_764_000_000_000;
  expect(createLoginSigner({ ...identity, customerKey, now }).sign()).toEqual(
    createLoginSigner({ ...identity, now }).sign(),
  );
});

test.each([
  [{ customerKey: "" }, "customerKey is empty"],
  [{ customerKey: Buffer.from("\n") }, "customerKey is empty"],
  [{ customerKey: "a-secret\n" }, "customerKey ends in a line break"],
  [{ customerKey: Buffer.from("a-secret\n\n") }, "customerKey has several lines"],
  [{ customerKey: generateKeyPairSync("ed25519").privateKey }, "customerKey is half of a key pair"],
  [{ customerKey: "a-secret\nanother" }, "customerKey has several lines"],
  [{ customerKey: "\ufeffa-secret" }, "byte order mark"],
  [{ customerKey: Buffer.from("\ufeffa-secret") }, "byte order mark"],
  [{ customerKey: Buffer.of(0xff, 0xfe) }, "customerKey is not UTF-8"],
  [{ deviceKey: "" }, "deviceKey is not 1 to 96"],
  [{ deviceKey: "a b" }, "deviceKey is not 1 to 96"],
  [{ deviceKey: "x".repeat(97) }, "deviceKey is not 1 to 96"],
])("%o: %s", (wrong, complaint) => {
  const create = (): unknown => createLoginSigner({ ...identity, ...wrong });
  expect(create).toThrow(complaint);
  expect(create).not.toThrow(/a-secret/);
});

test("nothing that is dumped shows the key", () => {
  const signer = createLoginSigner(identity);
  expect(inspect([signer, signer.sign()], { depth: 9, showHidden: true }) + JSON.stringify(signer)).not.toContain(
    identity.customerKey,
  );
});
