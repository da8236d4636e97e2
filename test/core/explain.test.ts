// The findings about a right login and its device.

import { describe, expect, test } from "vitest";
import type { CustomerSecret } from "../../src/core/registry/ports.ts";
import {
  boardKey,
  bodyOf,
  codesOf,
  DERIVED,
  explain,
  HEX,
  hmac,
  KEYS,
  MOVING,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
  tellsThat,
} from "./explain/desk.ts";

describe("a login with nothing wrong", () => {
  test.for([
    { how: "by the shared key", body: bodyOf({}), codes: ["nothing_wrong"] },
    { how: "in upper case", body: bodyOf({ signature: HEX.toUpperCase() }), codes: ["nothing_wrong"] },
    {
      how: "with the timestamp in a string",
      body: bodyOf({ timestamp: `"${SECONDS}"`, signature: HEX }),
      codes: ["nothing_wrong"],
    },
    {
      how: "in camelCase",
      body: bodyOf({}).replace("device_key", "deviceKey").replace("device_signature", "deviceSignature"),
      codes: ["nothing_wrong"],
    },
    { how: "by an older key that is good", body: signed(RIGHT, SECRETS.older), codes: ["nothing_wrong", "older_key"] },
    {
      how: "by a board's own key",
      deviceKey: DERIVED,
      body: bodyOf({ deviceKey: DERIVED, signature: hmac(boardKey(DERIVED), `${SECONDS}${DERIVED}`).toString("hex") }),
      codes: ["nothing_wrong"],
    },
    {
      how: "by a board's own key while it is moving",
      deviceKey: MOVING,
      body: bodyOf({ deviceKey: MOVING, signature: hmac(boardKey(MOVING), `${SECONDS}${MOVING}`).toString("hex") }),
      codes: ["nothing_wrong"],
    },
    {
      how: "by the shared key while it is moving",
      deviceKey: MOVING,
      body: bodyOf({ deviceKey: MOVING }),
      codes: ["nothing_wrong", "moving"],
    },
    {
      how: "long ago, by when it was received",
      body: bodyOf({ timestamp: 1_700_000_000 }),
      receivedAt: 1_700_000_100_000,
      codes: ["nothing_wrong"],
    },
  ])("$how", async ({ how: _, codes, ...received }) => {
    expect(await codesOf(received)).toEqual(codes);
    expect((await explain(received)).wouldSucceed).toBe(true);
  });

  test("mentions the replay guard where it applies", async () => {
    const [plain, guarded] = await Promise.all([
      explain({ body: bodyOf({}) }),
      explain({ body: bodyOf({}), device: { replayGuard: true } }),
    ]);
    expect(plain.findings[0]?.message).not.toContain("used before");
    expect(guarded.findings[0]?.message).toContain("the same timestamp was used before");
  });
});

describe("the device", () => {
  tellsThat([
    { mistake: "unknown", deviceKey: "nobody", body: bodyOf({ deviceKey: "nobody" }), codes: ["unknown_device"] },
    {
      mistake: "unknown, and more",
      deviceKey: "nobody",
      body: bodyOf({ deviceKey: "nobody", timestamp: 5 }).replace("}", ",}"),
      codes: ["malformed", "clock_never_set", "unknown_device"],
    },
    {
      mistake: "another in the body",
      body: bodyOf({ deviceKey: DERIVED }),
      codes: ["other_device_key"],
    },
    {
      mistake: "the same in upper case in the body",
      body: bodyOf({ deviceKey: SHARED.toUpperCase(), signature: HEX }),
      codes: ["other_device_key"],
    },
    {
      mistake: "disabled",
      body: bodyOf({}),
      device: { status: "disabled" },
      codes: ["device_disabled", "signature_right"],
    },
    {
      mistake: "disabled, with a wrong signature",
      body: signed("x"),
      device: { status: "disabled" },
      codes: ["device_disabled", "no_known_mistake"],
    },
    {
      mistake: "its customer disabled",
      body: bodyOf({}),
      customer: { status: "disabled" },
      codes: ["customer_disabled", "signature_right"],
    },
  ]);

  test("an impossible device_key is malformed, with the field", async () => {
    await expect(explain({ deviceKey: "", body: "{}" })).rejects.toMatchObject({
      reason: "malformed",
      details: { field: "device_key" },
    });
  });
});

test.for([
  { when: "a mistake is found", body: bodyOf({}) },
  { when: "none is", body: signed("x") },
])("the secrets that it was handed are overwritten when $when", async ({ body }) => {
  const handed: CustomerSecret[] = [];
  await explain({ body, handed });
  expect(handed).toHaveLength(KEYS.length);
  for (const { secret } of handed) expect(secret.every((byte) => byte === 0)).toBe(true);
});
