// Explanations of any login: they name known mistakes, show no secret, and cost a bounded number of HMACs.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createLogIn } from "../../../src/core/login.ts";
import type { Credential } from "../../../src/core/ports.ts";
import { secretFromText } from "../../../src/core/signature.ts";
import { countHmacs } from "../login-path.ts";
import {
  boardKey,
  codesOf,
  customerSecret,
  explain,
  hmac,
  KEYS,
  NOW,
  readLogin,
  SECONDS,
  SECRETS,
  SHARED,
  SKEW,
} from "./desk.ts";
import { bodyWith, milliseconds, requests, SLIPS, type Slip, samples } from "./slips.ts";

test("names a known mistake", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SLIPS), samples, milliseconds, async (slip, sample, ms) => {
      const { body, mac } = bodyWith(slip, sample, ms);
      const { mac: right } = bodyWith({}, sample, ms);
      // Some keys are the same in upper case.
      fc.pre(slip.signature !== undefined || slip.timestamp !== undefined || !mac.equals(right));
      const { wouldSucceed, findings } = await explain({ body, keys: [customerSecret("k1", "login", sample.key)] });
      const codes = findings.map(({ code }) => code);
      expect([wouldSucceed, codes.includes(slip.code), codes.includes("no_known_mistake")]).toEqual([
        false,
        true,
        false,
      ]);
    }),
    { numRuns: 150 },
  );
});

test("names mistakes of key, message and encoding together", async () => {
  const any = (codes: RegExp) => fc.constantFrom<Slip>(...SLIPS.filter(({ code }) => codes.test(code)));
  const slips = fc.tuple(
    any(/^(parts_swapped|trailing_newline|separator|one_part)$/),
    any(/^key_(line_break|white_space|quotes|label|encoded)$/),
    any(/^(openssl_label|base64|double_hex|signature_separators)$/),
  );
  await fc.assert(
    fc.asyncProperty(slips, samples, async ([message, key, encoding], sample) => {
      const { body } = bodyWith({ ...message, ...key, ...encoding }, sample, 1);
      const keys = [customerSecret("k1", "login", sample.key)];
      expect(await codesOf({ body, keys })).toEqual([encoding.code, key.code, message.code]);
    }),
    { numRuns: 100 },
  );
});

test("finds no known mistake in a random signature", async () => {
  const macs = fc.uint8Array({ minLength: 32, maxLength: 32 });
  await fc.assert(
    fc.asyncProperty(macs, samples, async (mac, sample) => {
      const { body } = bodyWith({ signature: () => Buffer.from(mac).toString("hex") }, sample, 1);
      const { wouldSucceed, findings } = await explain({ body });
      expect(wouldSucceed).toBe(false);
      expect(findings.map(({ code }) => code)).toEqual(["no_known_mistake"]);
      expect(findings[0]?.message).toContain("countersign sign");
    }),
    { numRuns: 20 },
  );
});

test("writes findings in ASCII, without keys and valid signatures", async () => {
  const secrets = [...Object.values(SECRETS), boardKey(SHARED), boardKey(SHARED, SECRETS.olderDerivation)];
  await fc.assert(
    fc.asyncProperty(requests, async (body) => {
      const { findings } = await explain({ body });
      expect(findings.length).toBeGreaterThan(0);
      const text = JSON.stringify(findings);
      // grpc-js shows the excluded characters percent-encoded.
      for (const { message } of findings) expect(message).toMatch(/^[ !"%'-*.0-9<>A-Z[-~-]+$/);
      for (const secret of secrets) {
        const mac = (second: number): Buffer => hmac(secret, `${second}${SHARED}`);
        expect(text).not.toContain(secret);
        expect(text).not.toContain(Buffer.from(secret).toString("base64").slice(0, 12));
        for (const bytes of [mac(SECONDS), mac(Number(/"timestamp":(\d+)/.exec(body)?.[1] ?? 0))]) {
          expect(text).not.toContain(bytes.toString("hex").slice(0, 12));
          expect(text).not.toContain(bytes.toString("base64").slice(0, 10));
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("predicts success exactly when the gateway accepts the login", async () => {
  const device: Credential = {
    enrolled: true,
    deviceKey: SHARED,
    customerId: "acme",
    enabled: true,
    sharedIdentity: false,
    replayGuard: false,
    loginLimit: undefined,
    loginKeys: [SECRETS.login, SECRETS.older].map((secret) => ({
      keyId: secret,
      purpose: "login",
      secret: secretFromText(secret),
      notBefore: 0,
      expiresAt: Number.POSITIVE_INFINITY,
    })),
    derivationKeys: [],
    movingSince: undefined,
    marks: { customerId: "acme", createdAt: 0, device: 0, customer: 0 },
  };
  const unknown: Credential = { ...device, enrolled: false, loginKeys: [] };
  const logIn = createLogIn({
    credentials: { find: async (name) => (name === SHARED ? device : unknown) },
    limiter: createMemoryLimiter(10),
    signer: { expiresInSeconds: 600, ready: () => true, sign: async () => "token" },
    policies: {
      login: undefined,
      failure: undefined,
      address: () => undefined,
      replay: { name: "replay", limit: 1, windowMs: 1 },
    },
    skewMs: SKEW,
    now: () => NOW,
  });
  const counts = { accepted: 0, denied: 0 };
  await fc.assert(
    fc.asyncProperty(requests, async (text) => {
      const body = Buffer.from(text);
      const accepts = async (): Promise<boolean> =>
        (await logIn(readLogin(body), { address: "192.0.2.1" })) !== undefined;
      const isAccepted = await accepts().catch(() => false);
      counts[isAccepted ? "accepted" : "denied"]++;
      expect((await explain({ body })).wouldSucceed).toBe(isAccepted);
    }),
    { numRuns: 150 },
  );
  expect(Math.min(counts.accepted, counts.denied)).toBeGreaterThan(10);
});

test("bounds the search for any number of keys", async () => {
  const many = Array.from({ length: 60 }, (_, place) =>
    customerSecret(`k${place}`, place % 2 === 0 ? "login" : "derivation", `${SECRETS.login}${place}`, {
      retiredAt: place > 5 ? NOW - 1 : undefined,
    }),
  );
  for (const keys of [KEYS, many]) {
    const { body } = bodyWith({ signature: () => "ab".repeat(32) }, { key: "", second: SECONDS }, 0);
    const macs = await countHmacs(() => explain({ keys, body }));
    expect(macs).toBeGreaterThan(2_000);
    // The attempts, and the derivations of the boards' keys.
    expect(macs).toBeLessThanOrEqual(16_000 + 24 * 8);
  }
});

test("counts long keys and messages by their length", async () => {
  const long = "x".repeat(3_000);
  const keys = KEYS.map((key) => ({ ...key, secret: Buffer.from(`${key.keyId}${long}`.slice(0, 1_024)) }));
  const body = JSON.stringify({ device_key: long, timestamp: SECONDS, device_signature: "ab".repeat(32) });
  expect(await countHmacs(() => explain({ keys, body }))).toBeLessThan(2_500);
});
