// The findings about a right login and its device.

import { describe, expect, test } from "vitest";
import type { CustomerSecret } from "../../src/core/registry/ports.ts";
import {
  boardKey,
  bodyBy,
  bodyOf,
  type Case,
  DERIVED,
  expecting,
  explain,
  HEX,
  KEYS,
  MOVING,
  RIGHT,
  SECONDS,
  SECRETS,
  SHARED,
  signed,
  testFindings,
} from "./explain/cases.ts";

describe("a login with nothing wrong", () => {
  const camel = bodyOf({}).replace("device_key", "deviceKey").replace("device_signature", "deviceSignature");
  test.for<readonly [string, Case, ...string[]]>([
    ["by the shared key", { body: bodyOf({}) }],
    ["in upper case", { body: bodyOf({ signature: HEX.toUpperCase() }) }],
    ["with the timestamp in a string", { body: bodyOf({ timestamp: `"${SECONDS}"`, signature: HEX }) }],
    ["in camelCase", { body: camel }],
    ["by an older key that is valid", { body: signed(RIGHT, SECRETS.older) }, "older_key"],
    ["by a board's own key", { deviceKey: DERIVED, body: bodyBy(DERIVED, boardKey(DERIVED)) }],
    ["by its own key while it is moving", { deviceKey: MOVING, body: bodyBy(MOVING, boardKey(MOVING)) }],
    ["by the shared key while it is moving", { deviceKey: MOVING, body: bodyOf({ deviceKey: MOVING }) }, "moving"],
    ["long ago, when it was received", { body: bodyOf({ timestamp: 1_700_000_000 }), receivedAt: 1_700_000_100_000 }],
  ])("%s", async ([, received, ...codes]) => {
    const { wouldSucceed, findings } = await explain(received);
    expect([wouldSucceed, ...findings.map(({ code }) => code)]).toEqual([true, "nothing_wrong", ...codes]);
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
  const DISABLED = { status: "disabled" } as const;
  const malformed = bodyOf({ deviceKey: "nobody", timestamp: 5 }).replace("}", ",}");
  testFindings([
    { ...expecting("unknown", bodyOf({ deviceKey: "nobody" }), "unknown_device"), deviceKey: "nobody" },
    {
      ...expecting("unknown, and more", malformed, "malformed", "clock_never_set", "unknown_device"),
      deviceKey: "nobody",
    },
    expecting("another in the body", bodyOf({ deviceKey: DERIVED }), "other_device_key"),
    expecting("in upper case", bodyOf({ deviceKey: SHARED.toUpperCase(), signature: HEX }), "other_device_key"),
    { ...expecting("disabled", bodyOf({}), "device_disabled", "signature_right"), device: DISABLED },
    { ...expecting("disabled, signed wrongly", signed("x"), "device_disabled", "no_known_mistake"), device: DISABLED },
    { ...expecting("its customer disabled", bodyOf({}), "customer_disabled", "signature_right"), customer: DISABLED },
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
])("the secrets are overwritten when $when", async ({ body }) => {
  const passedKeys: CustomerSecret[] = [];
  await explain({ body, passedKeys });
  expect(passedKeys).toHaveLength(KEYS.length);
  for (const { secret } of passedKeys) expect(secret.every((byte) => byte === 0)).toBe(true);
});
