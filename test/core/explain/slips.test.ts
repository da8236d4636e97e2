// Any login, any key and any known mistake: the finding names that very mistake, tells no secret, and costs a bounded amount.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FindingCode } from "../../../src/core/explain/findings.ts";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createLogIn } from "../../../src/core/login.ts";
import type { Credential, Lookup } from "../../../src/core/ports.ts";
import { secretFromText } from "../../../src/core/signature.ts";
import { readLoginBody } from "../../../src/transports/login-body.ts";
import { countHmacs } from "../login-path.ts";
import { boardKey, customerSecret, explain, hmac, KEYS, NOW, SECONDS, SECRETS, SHARED, SKEW } from "./desk.ts";

/** What is random of a login; all the rest is right. */
interface Sample {
  readonly key: string;
  readonly second: number;
}

interface Slip {
  readonly code: FindingCode;
  readonly key?: (key: string) => string | Buffer;
  /** Of the second and the milliseconds within it. */
  readonly message?: (second: number, ms: number) => string;
  readonly signature?: (mac: Buffer) => string;
  readonly timestamp?: (second: number, ms: number) => string;
  readonly mac?: (key: string, message: string) => Buffer;
}

const milli = (second: number, ms: number): number => second * 1000 + ms;
const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/** One way and more to make each mistake that a single piece of firmware makes. */
const SLIPS: readonly Slip[] = [
  { code: "parts_swapped", message: (second) => `${SHARED}${second}` },
  { code: "trailing_newline", message: (second) => `${second}${SHARED}\n` },
  { code: "trailing_newline", message: (second) => `${second}${SHARED}\r\n` },
  ...[" ", ":", ",", ".", "|", "\n", "_", "-"].map((separator) => ({
    code: "separator" as const,
    message: (second: number) => `${second}${separator}${SHARED}`,
  })),
  { code: "one_part", message: (second) => `${second}` },
  { code: "one_part", message: () => SHARED },
  { code: "signed_milliseconds", message: (second, ms) => `${milli(second, ms)}${SHARED}` },
  {
    code: "milliseconds",
    message: (second) => `${second}${SHARED}`,
    timestamp: (second, ms) => `${milli(second, ms)}`,
  },
  {
    code: "signed_as_sent",
    message: (second, ms) => `${milli(second, ms)}${SHARED}`,
    timestamp: (second, ms) => `${milli(second, ms)}`,
  },
  { code: "signed_device_key", message: (second) => `${second}${SHARED.toUpperCase()}` },
  { code: "other_timestamp", message: (second, ms) => `${second + 1 + (ms % 10)}${SHARED}` },
  { code: "local_time", message: (second, ms) => `${second + 1800 * (1 + (ms % 28))}${SHARED}` },
  { code: "local_time", message: (second, ms) => `${second - 1800 * (1 + (ms % 28))}${SHARED}` },
  { code: "key_line_break", key: (key) => `${key}\n` },
  { code: "key_line_break", key: (key) => `${key}\r\n` },
  { code: "key_white_space", key: (key) => ` ${key}` },
  { code: "key_quotes", key: (key) => `"${key}"` },
  { code: "key_label", key: (key) => `${SHARED} ${key}` },
  { code: "key_label", key: (key) => `${SHARED} ${key}\n` },
  { code: "key_label", key: (key) => `customer_key ${key}` },
  { code: "key_label", key: (key) => `key ${key}` },
  { code: "key_case", key: (key) => key.toUpperCase() },
  { code: "key_truncated", key: (key) => key.slice(0, -1) },
  { code: "key_truncated", key: (key) => key.slice(0, Math.ceil(key.length / 2)) },
  { code: "key_encoded", key: (key) => Buffer.from(key).toString("base64") },
  { code: "key_and_message_swapped", mac: (key, message) => hmac(message, key) },
  { code: "plain_hash", mac: (key, message) => sha256(key + message) },
  { code: "plain_hash", mac: (key, message) => sha256(message + key) },
  { code: "other_hash", mac: (key, message) => hmac(key, message, "sha1") },
  { code: "other_hash", mac: (key, message) => hmac(key, message, "sha512") },
  { code: "openssl_label", signature: (mac) => `SHA2-256(stdin)= ${mac.toString("hex")}` },
  { code: "base64", signature: (mac) => mac.toString("base64") },
  { code: "double_hex", signature: (mac) => Buffer.from(mac.toString("hex")).toString("hex") },
  { code: "signature_truncated", signature: (mac) => mac.toString("hex").slice(0, 63) },
  { code: "signature_separators", signature: (mac) => mac.toString("hex").replace(/..(?=.)/g, "$&:") },
];

function bodyWith(slip: Omit<Slip, "code">, { key, second }: Sample, ms: number): { body: string; mac: Buffer } {
  const message = slip.message?.(second, ms) ?? `${second}${SHARED}`;
  const used = slip.key?.(key) ?? key;
  const mac = slip.mac?.(String(used), message) ?? hmac(used, message);
  const timestamp = slip.timestamp?.(second, ms) ?? second;
  const signature = slip.signature?.(mac) ?? mac.toString("hex");
  return {
    body: JSON.stringify({ device_key: SHARED, timestamp: "TIME", device_signature: signature }).replace(
      '"TIME"',
      `${timestamp}`,
    ),
    mac,
  };
}

const samples = fc.record({
  key: fc.oneof(fc.stringMatching(/^[0-9a-f]{64}$/), fc.stringMatching(/^[!-~]{8,80}$/)),
  second: fc.integer({ min: SECONDS - 200, max: SECONDS + 200 }),
});
const milliseconds = fc.integer({ min: 1, max: 999 });

test("a known mistake in a right login is named", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SLIPS), samples, milliseconds, async (slip, sample, ms) => {
      const { body, mac } = bodyWith(slip, sample, ms);
      const { mac: right } = bodyWith({}, sample, ms);
      // Not every key is another in upper case.
      fc.pre(slip.signature !== undefined || slip.timestamp !== undefined || !mac.equals(right));
      const { wouldSucceed, findings } = await explain({ body, keys: [customerSecret("k1", "login", sample.key)] });
      expect(wouldSucceed).toBe(false);
      expect(findings.map(({ code }) => code)).toContain(slip.code);
      expect(findings.map(({ code }) => code)).not.toContain("no_known_mistake");
    }),
    { numRuns: 150 },
  );
});

test("mistakes of key, message and writing are named together", async () => {
  const messages: readonly Slip[] = SLIPS.filter(({ code }) =>
    /^(parts_swapped|trailing_newline|separator|one_part)$/.test(code),
  );
  const keys = SLIPS.filter(({ code }) => /^key_(line_break|white_space|quotes|label|encoded)$/.test(code));
  const writings = SLIPS.filter(({ code }) => /^(openssl_label|base64|double_hex|signature_separators)$/.test(code));
  const slips = fc.tuple(fc.constantFrom(...messages), fc.constantFrom(...keys), fc.constantFrom(...writings));
  await fc.assert(
    fc.asyncProperty(slips, samples, async ([message, key, writing], sample) => {
      const { body } = bodyWith({ ...message, ...key, ...writing }, sample, 1);
      const { findings } = await explain({ body, keys: [customerSecret("k1", "login", sample.key)] });
      expect(findings.map(({ code }) => code)).toEqual([writing.code, key.code, message.code]);
    }),
    { numRuns: 100 },
  );
});

test("a signature by nobody's key comes from no known mistake", async () => {
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

/** Requests of any kind: right ones, mistaken ones, ones with a piece torn out or put in, and noise. */
const requests = fc
  .tuple(
    fc.oneof(fc.constant<Omit<Slip, "code">>({}), fc.constantFrom<Omit<Slip, "code">>(...SLIPS)),
    fc.oneof(
      fc.constantFrom<string>(SECRETS.login, SECRETS.older),
      fc.constantFrom<string>(...Object.values(SECRETS), boardKey(SHARED)),
    ),
    fc.integer({ min: SECONDS - 400, max: SECONDS + 400 }),
    milliseconds,
    fc.option(fc.tuple(fc.nat({ max: 220 }), fc.nat({ max: 3 }), fc.string({ unit: "binary", maxLength: 3 })), {
      freq: 1,
    }),
    fc.oneof({ arbitrary: fc.constant(null), weight: 9 }, fc.string({ unit: "binary" }), fc.json()),
  )
  .map(([slip, key, second, ms, tear, noise]) => {
    const { body } = bodyWith(slip, { key, second }, ms);
    if (noise !== null) return noise;
    if (tear === null) return body;
    const [at, length, put] = tear;
    return body.slice(0, at) + put + body.slice(at + length);
  });

test("what is found is fit to be shown, and tells no key and no right signature", async () => {
  const secrets = [...Object.values(SECRETS), boardKey(SHARED), boardKey(SHARED, SECRETS.olderDerivation)];
  await fc.assert(
    fc.asyncProperty(requests, async (body) => {
      const { findings } = await explain({ body });
      expect(findings.length).toBeGreaterThan(0);
      const told = JSON.stringify(findings);
      // grpc-js shows these percent-encoded.
      for (const { message } of findings) expect(message).not.toMatch(/[;/?:@&=+$,#]/);
      for (const { message } of findings) expect(message).toMatch(/^[\x20-\x7e]+$/);
      for (const secret of secrets) {
        const mac = (second: number): Buffer => hmac(secret, `${second}${SHARED}`);
        expect(told).not.toContain(secret);
        expect(told).not.toContain(Buffer.from(secret).toString("base64").slice(0, 12));
        for (const bytes of [mac(SECONDS), mac(Number(/"timestamp":(\d+)/.exec(body)?.[1] ?? 0))]) {
          expect(told).not.toContain(bytes.toString("hex").slice(0, 12));
          expect(told).not.toContain(bytes.toString("base64").slice(0, 10));
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("it says that a login would succeed if and only if the gateway lets it in", async () => {
  const device: Credential = {
    enrolled: true,
    deviceKey: SHARED,
    customerId: "acme",
    enabled: true,
    sharedIdentity: false,
    replayGuard: false,
    loginLimit: undefined,
    keys: [SECRETS.login, SECRETS.older].map((secret) => ({
      keyId: secret,
      purpose: "login",
      secret: secretFromText(secret),
    })),
    movingSince: undefined,
    marks: { customerId: "acme", createdAt: 0, device: 0, customer: 0 },
    validUntil: Number.POSITIVE_INFINITY,
  };
  const nobody: Credential = { ...device, enrolled: false, keys: [] };
  const lookUp = (name: string): Lookup => ({
    credential: name === SHARED ? device : nobody,
    derivationsSaved: 0,
    recheck: async () => lookUp(name),
  });
  const logIn = createLogIn({
    credentials: {
      find: async (name) => lookUp(name),
      settle: async () => true,
    },
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
  const seen = { in: 0, out: 0 };
  await fc.assert(
    fc.asyncProperty(requests, async (text) => {
      const body = Buffer.from(text);
      const admitted = await Promise.resolve()
        .then(() => logIn(readLoginBody(body), { address: "192.0.2.1" }))
        .then(
          () => true,
          () => false,
        );
      seen[admitted ? "in" : "out"]++;
      expect((await explain({ body })).wouldSucceed).toBe(admitted);
    }),
    { numRuns: 150 },
  );
  expect(Math.min(seen.in, seen.out)).toBeGreaterThan(10);
});

test("however many keys a customer has, the search is bounded", async () => {
  const many = Array.from({ length: 60 }, (_, place) =>
    customerSecret(`k${place}`, place % 2 === 0 ? "login" : "derivation", `${SECRETS.login}${place}`, {
      retiredAt: place > 5 ? NOW - 1 : undefined,
    }),
  );
  for (const keys of [KEYS, many]) {
    const { body } = bodyWith({ signature: () => "ab".repeat(32) }, { key: "", second: SECONDS }, 0);
    const macs = await countHmacs(() => explain({ keys, body }));
    expect(macs).toBeGreaterThan(2_000);
    // What is tried, and what boards' keys are derived by.
    expect(macs).toBeLessThanOrEqual(16_000 + 24 * 8);
  }
});

test("long keys and messages are paid for by their length", async () => {
  const long = "x".repeat(3_000);
  const keys = KEYS.map((key) => ({ ...key, secret: Buffer.from(`${key.keyId}${long}`.slice(0, 1_024)) }));
  const body = JSON.stringify({ device_key: long, timestamp: SECONDS, device_signature: "ab".repeat(32) });
  expect(await countHmacs(() => explain({ keys, body }))).toBeLessThan(2_500);
});
