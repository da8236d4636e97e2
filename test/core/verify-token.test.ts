// Whether a token is still valid: its device, its customer, and revocations.

import { expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { createRegistry } from "../../src/core/registry/registry.ts";
import { createTokenVerifier, createVerifyToken } from "../../src/core/tokens/tokens.ts";
import { NOW, openPath, SECONDS, shareFixture } from "./login-path.ts";

const fixture = await shareFixture();
/** The clock stands still: two revocations are in the same millisecond. */
const registry = createRegistry({ ...fixture.store, now: () => NOW });
const verifier = createTokenVerifier(() => "https://login.example", "devices", fixture.ring);
const verify = createVerifyToken(verifier, fixture.store.credentials, () => NOW);

/** `good`, or the reason why a token is refused. */
const reasonOf = (token: string): Promise<string> =>
  verify(token).then(
    () => "good",
    ({ reason }: AuthError) => reason,
  );

/** Enrols a device. */
async function open() {
  const path = openPath(fixture, { policies: { login: undefined } });
  const deviceKey = await path.enrol();
  const { customerId } = await registry.devices.get(deviceKey);
  return { path, deviceKey, customerId, logIn: async () => (await path.login(deviceKey)).token };
}

test("a valid token gives its identity", async () => {
  const { logIn, deviceKey, customerId } = await open();
  const times = { issuedAt: SECONDS, expiresAt: SECONDS + 600 };
  expect(await verify(await logIn())).toEqual({ deviceKey, customerId, jti: expect.any(String), ...times });
});

test("names the cure: a new login, or an operator's action", async () => {
  const { path, logIn, deviceKey, customerId } = await open();
  const { devices } = registry;
  const expectRevoked = (token: string, why: string) =>
    expect(verify(token)).rejects.toThrow(`the token was revoked because ${why}`);

  const first = await logIn();
  await devices.revokeTokens(deviceKey, GATEWAY);
  await expectRevoked(first, "an operator revoked it. The device has to log in again");
  const token = await logIn();
  await devices.update(deviceKey, { status: "disabled" }, "", GATEWAY);
  const disabled = "its device or the customer was disabled. The device is let in once its operator enables it";
  await expectRevoked(token, disabled);
  await devices.delete(deviceKey, "", GATEWAY);
  await expectRevoked(token, "its device was deleted. The device is let in once its operator enrols it");
  const other = await path.enrolOwner("login");
  await devices.create({ deviceKey, customerId: other.customerId }, GATEWAY);
  await expectRevoked(token, "its device was deleted and another has its name. The device has to log in again");
  await devices.delete(deviceKey, "", GATEWAY);
  await devices.create({ deviceKey, customerId }, GATEWAY);
  await expectRevoked(token, "an operator revoked it. The device has to log in again");
});

test.for(["devices", "customers"] as const)(
  "revoking or disabling %s revokes earlier tokens for good",
  async (kind) => {
    const { logIn, deviceKey, customerId } = await open();
    const rows = registry[kind];
    const name = kind === "devices" ? deviceKey : customerId;
    let token = await logIn();
    for (let times = 0; times < 2; times++) {
      await rows.revokeTokens(name, GATEWAY);
      expect(await reasonOf(token)).toBe("revoked");
      token = await logIn();
      expect(await reasonOf(token)).toBe("good");
    }
    for (const status of ["disabled", "enabled"] as const) {
      await rows.update(name, { status }, "", GATEWAY);
      expect(await reasonOf(token)).toBe("revoked");
    }
    expect(await reasonOf(await logIn())).toBe("good");
  },
);

test("a token is revoked by its jti, and no other token is", async () => {
  const { logIn } = await open();
  const [token, other] = [await logIn(), await logIn()];
  const { jti } = await verify(token);
  await registry.revokeToken(jti, GATEWAY);
  expect([await reasonOf(token), await reasonOf(other)]).toEqual(["revoked", "good"]);
});
