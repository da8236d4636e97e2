// Whether a token is still valid: its device, its customer, and revocations.

import { expect, test } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { createRegistry } from "../../src/core/registry/registry.ts";
import { createTokenVerifier, createVerifyToken } from "../../src/core/tokens/tokens.ts";
import { caughtErrorOf } from "./caught-error.ts";
import { openPath, SECONDS, shareFixture } from "./login-path.ts";

const fixture = await shareFixture();

/** A device with a check of its tokens against the database. */
async function open() {
  const path = openPath(fixture, { policies: { login: undefined } });
  const deviceKey = await path.enrol();
  const { customerId } = await fixture.registry.devices.get(deviceKey);
  const verifier = createTokenVerifier(() => "https://login.example", "devices", fixture.ring);
  const verify = createVerifyToken(verifier, fixture.store.credentials, () => path.now);
  const registry = createRegistry({ ...fixture.store, now: () => path.now });
  return {
    path,
    deviceKey,
    customerId,
    verify,
    registry,
    reasonOf: (token: string): Promise<string> =>
      verify(token).then(
        () => "good",
        (error: AuthError) => error.reason,
      ),
    logIn: async () => (await path.login(deviceKey)).token,
  };
}

test("a valid token gives its identity", async () => {
  const { verify, logIn, deviceKey, customerId } = await open();
  const times = { issuedAt: SECONDS, expiresAt: SECONDS + 600 };
  expect(await verify(await logIn())).toEqual({ deviceKey, customerId, jti: expect.any(String), ...times });
});

test("names the cure: a new login, or an operator's action", async () => {
  const { path, logIn, verify, deviceKey, customerId, registry } = await open();
  const because = "the token was revoked because";
  const messages: string[] = [];
  const look = async (token: string): Promise<unknown> => messages.push((await caughtErrorOf(verify(token))).message);

  let token = await logIn();
  await registry.devices.revokeTokens(deviceKey, GATEWAY);
  await look(token);
  token = await logIn();
  await registry.devices.update(deviceKey, { status: "disabled" }, "", GATEWAY);
  await look(token);
  await registry.devices.delete(deviceKey, "", GATEWAY);
  await look(token);
  const other = await path.enrolOwner("login");
  await registry.devices.create({ deviceKey, customerId: other.customerId }, GATEWAY);
  await look(token);
  await registry.devices.delete(deviceKey, "", GATEWAY);
  await registry.devices.create({ deviceKey, customerId }, GATEWAY);
  await look(token);
  expect(messages).toEqual([
    `${because} an operator revoked it. The device has to log in again`,
    `${because} its device or the customer was disabled. The device is let in once its operator enables it`,
    `${because} its device was deleted. The device is let in once its operator enrols it`,
    `${because} its device was deleted and another has its name. The device has to log in again`,
    `${because} an operator revoked it. The device has to log in again`,
  ]);
});

test.for(["device", "customer"] as const)(
  "revoking or disabling a %s revokes earlier tokens for good",
  async (whose) => {
    const { logIn, reasonOf, deviceKey, customerId, registry } = await open();
    const rows = registry[`${whose}s`];
    const name = whose === "device" ? deviceKey : customerId;
    let token = await logIn();
    // The second revocation is in the same millisecond.
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
  const { logIn, verify, reasonOf, registry } = await open();
  const [token, other] = [await logIn(), await logIn()];
  const { jti } = await verify(token);
  await registry.revokeToken(jti, GATEWAY);
  expect([await reasonOf(token), await reasonOf(other)]).toEqual(["revoked", "good"]);
});
