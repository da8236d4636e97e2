// Keys that HMAC takes for one another, over a real store.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { KeyPurpose } from "../../../src/core/ports.ts";
import { checkBeside } from "../../../src/core/registry/new-customer-key.ts";
import { ACTOR, keyOf, NOW } from "../../contracts/store-samples.ts";
import { refusalFrom, refusalOf } from "../refusal.ts";
import { openWithIssuer } from "./open-registry.ts";

const LONG = "x".repeat(100);

describe("a key that HMAC takes for another", () => {
  test.for<[string, string]>([
    ["flashed already!", "flashed already!"],
    ["flashed already!", "flashed already!\0"],
    ["flashed already!\0\0", "flashed already!"],
    [LONG, LONG],
  ])("%j, then %j", async ([first, second]) => {
    const { issue } = await openWithIssuer();
    const { keyId } = await issue({ importedKey: first });
    const refusal = await refusalFrom(issue({ importedKey: second }));
    expect(refusal.reason).toBe("already_exists");
    expect(refusal.particulars).toEqual({ field: "imported_key" });
    expect(refusal.message).toBe(`HMAC takes this key for the key ${keyId} of this customer. Use that one`);
    expect(refusal.message).not.toMatch(/[;/?:@&=+$,#]/);
    await issue({ customerId: "other", importedKey: second });
    await issue({ importedKey: `${second}.` });
  });

  test("by hashing", () => {
    const long = keyOf("k1", { secret: Buffer.from(LONG) });
    const hash = keyOf("k2", { secret: createHash("sha256").update(LONG).digest() });
    for (const [key, other] of [
      [long, hash],
      [hash, long],
    ] as const) {
      const refusal = refusalOf(() => checkBeside(key, { opened: [other], unopened: [] }, NOW, false));
      expect(refusal.message).toContain(`HMAC takes this key for the key ${other.keyId}`);
    }
    const another = keyOf("k2", { secret: Buffer.from(`${LONG}x`) });
    checkBeside(long, { opened: [another], unopened: [] }, NOW, false);
  });

  test.for(["login", "derivation"] as const)(
    "is refused for the other purpose, whatever has become of that %s key",
    async (purpose) => {
      const { issue, registry, clock } = await openWithIssuer();
      const other: KeyPurpose = purpose === "login" ? "derivation" : "login";
      const { keyId } = await issue({ purpose, importedKey: "flashed already!", expiresAt: NOW + 10 });
      clock.now += 10;
      for (let round = 0; round < 2; round++) {
        const refusal = await refusalFrom(issue({ purpose: other, importedKey: "flashed already!\0" }));
        expect(refusal.reason).toBe("already_exists");
        expect(refusal.message).toBe(
          `HMAC takes this key for the key ${keyId} of this customer. That one is for ${purpose} and a key for both would give boards the keys of others`,
        );
        await registry.customerKeys.retire(keyId, false, ACTOR);
      }
    },
  );

  test("may come back for the same purpose once the other is retired, but not when it is only over or to come", async () => {
    const { issue, registry, clock } = await openWithIssuer();
    const importedKey = "flashed already!";
    const { keyId } = await issue({ importedKey, notBefore: NOW + 10, expiresAt: NOW + 20 });
    expect((await refusalFrom(issue({ importedKey }))).reason).toBe("already_exists");
    clock.now += 20;
    const expired = await refusalFrom(issue({ importedKey }));
    expect(expired.reason).toBe("already_exists");
    expect(expired.message).toBe(
      `HMAC takes this key for the key ${keyId} of this customer. That one has expired. Retire it first`,
    );
    await registry.customerKeys.retire(keyId, false, ACTOR);
    await issue({ importedKey });
  });
});
