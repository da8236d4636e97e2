// Opens a login path over SQLite, the memory limiter and a signer.

import crypto, { randomUUID } from "node:crypto";
import { mkdtempDisposableSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, vi } from "vitest";
import type { AuthError } from "../../src/core/errors.ts";
import { createMemoryLimiter } from "../../src/core/limiter/memory.ts";
import { type Caller, createLogIn, type Login, type LoginRequest } from "../../src/core/login.ts";
import type { KeyPurpose, Policy, PolicyName } from "../../src/core/ports.ts";
import type { DeviceDraft } from "../../src/core/registry/devices.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { createRegistry } from "../../src/core/registry/registry.ts";
import { computeSignature, secretFromText } from "../../src/core/signature.ts";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { openRing, signerOf } from "../keyring/ring.ts";
import { caughtErrorOf } from "./caught-error.ts";

export const NOW = 1_764_000_000_000;
export const SECONDS = NOW / 1000;
export const SKEW = 300_000;
export const CUSTOMER_KEY = "a customer key of some length";

const WINDOW = 60_000;
export const policies = {
  login: { name: "login", limit: 3, windowMs: WINDOW },
  failure: { name: "failure", limit: 2, windowMs: WINDOW },
  address: { name: "address", limit: 6, windowMs: WINDOW },
  replay: { name: "replay", limit: 1, windowMs: 2 * SKEW + 1_000 },
} satisfies Record<PolicyName, Policy>;

/** The store, signer and registry that the tests of a file share: generating a signing key takes time. */
export type Fixture = Awaited<ReturnType<typeof openFixture>>;

export async function openFixture() {
  const folder = mkdtempDisposableSync(join(tmpdir(), "countersign-"));
  const database = openSqlite(join(folder.path, "countersign.db"));
  await migrate(database);
  const store = createStore(database, createSealer([Buffer.alloc(32, 1)]));
  const ring = await openRing(store.signingKeys, { alg: "RS256" });
  // The clock of enrolments: well before any login, and later for each change.
  let enrolling = NOW - 86_400_000;
  return {
    store,
    ring,
    signer: signerOf(ring),
    registry: createRegistry({ ...store, now: () => (enrolling += 1_000) }),
    async close() {
      await database.close();
      folder.remove();
    },
  };
}

/** Opens the parts for the tests of a file. */
export async function shareFixture(): Promise<Fixture> {
  const fixture = await openFixture();
  afterAll(fixture.close);
  return fixture;
}

/** The parts of a login that are wrong; absent ones are right. */
export interface Attempt {
  readonly key?: string;
  readonly timestamp?: number;
  readonly address?: string;
}

/** One login path with its own limits, a clock that the test sets, and a record of charges. */
export type Path = ReturnType<typeof openPath>;

export function openPath(
  { store, registry, signer }: Fixture,
  options: {
    signer?: Fixture["signer"];
    policies?: { [Name in "login" | "failure" | "address"]?: Policy | undefined };
  } = {},
) {
  const limiter = createMemoryLimiter(1_000);
  const { customers, customerKeys, devices } = registry;
  /** The charged policies of each call, in order. */
  const charged: (readonly PolicyName[])[] = [];
  const clock = { now: NOW };
  const limits = { ...policies, ...options.policies };

  const logIn = createLogIn({
    credentials: store.credentials,
    limiter: {
      ...limiter,
      charge(charges, now) {
        charged.push(charges.map(({ policy }) => policy.name));
        return limiter.charge(charges, now);
      },
    },
    signer: options.signer ?? signer,
    policies: { ...limits, address: () => limits.address },
    skewMs: SKEW,
    now: () => clock.now,
  });

  const login = (deviceKey: string, attempt: Attempt = {}) =>
    logIn(request(deviceKey, attempt), callerAt(attempt.address));

  async function issue(customerId: string, purpose: KeyPurpose, importedKey = ""): Promise<string> {
    return (await customerKeys.issue({ customerId, purpose, importedKey }, GATEWAY)).customerKey;
  }

  /** Enrols a customer with one key of a purpose. */
  async function enrolOwner(purpose: KeyPurpose) {
    const { customerId } = await customers.create({ customerId: "" }, GATEWAY);
    return { customerId, customerKey: await issue(customerId, purpose) };
  }

  /** Enrols a device, and a customer whose login key is CUSTOMER_KEY. */
  async function enrol(
    draft: Partial<DeviceDraft & { customerStatus: DeviceDraft["status"]; loginLimit: string }> = {},
  ): Promise<string> {
    const { customerStatus = "enabled", loginLimit = "", ...device } = draft;
    const { customerId } = await customers.create({ customerId: "", status: customerStatus, loginLimit }, GATEWAY);
    await issue(customerId, "login", CUSTOMER_KEY);
    return (await devices.create({ customerId, deviceKey: "", ...device }, GATEWAY)).deviceKey;
  }

  return Object.assign(clock, {
    logIn,
    limiter,
    charged,
    issue,
    enrolOwner,
    enrol,
    /** Enrols `count` devices of each kind that the errors of wrong proofs must not tell apart. */
    async enrolKinds(count = 1) {
      const [shared, derived] = [await enrolOwner("login"), await enrolOwner("derivation")];
      const moving = await enrolOwner("login");
      await issue(moving.customerId, "derivation");
      const enrolAll = (draft: Parameters<typeof enrol>[0]) =>
        Promise.all(Array.from({ length: count }, () => enrol(draft)));
      const movers = await enrolAll({ customerId: moving.customerId });
      for (const name of movers) await devices.update(name, { keyMode: "derived" }, "", GATEWAY);
      return {
        "unknown device": Array.from({ length: count }, () => randomUUID()),
        "wrong signature": await enrolAll({ customerId: shared.customerId }),
        "wrong signature, disabled": await enrolAll({ customerId: shared.customerId, status: "disabled" }),
        "wrong signature, derived": await enrolAll({ customerId: derived.customerId, keyMode: "derived" }),
        "wrong signature, moving": movers,
      };
    },
    login,
    /** Logs in `times` times. @returns the outcomes, in order */
    async outcomes(times: number, deviceKey: string, attempt: Attempt = {}) {
      const outcomes: string[] = [];
      while (outcomes.length < times) outcomes.push(await outcomeOf(login(deviceKey, attempt)));
      return outcomes;
    },
  });
}

/** `admitted`, or the reason of an error and the policy that decided, as `rate_limited (login)`. */
export function outcomeOf(login: Promise<Login>): Promise<string> {
  return login.then(
    () => "admitted",
    ({ reason, details: { limit } }: AuthError) => (limit ? `${reason} (${limit.policy.name})` : reason),
  );
}

export function callerAt(address = "192.0.2.1"): Caller {
  return { address };
}

export function request(deviceKey: string, { key = CUSTOMER_KEY, timestamp = SECONDS }: Attempt = {}): LoginRequest {
  return {
    deviceKey,
    timestamp: BigInt(timestamp),
    deviceSignature: computeSignature(secretFromText(key), timestamp, deviceKey).toString("hex"),
  };
}

/** Sends a wrong proof for each device. Expects one error for all, with the same charges and the same number of HMACs. */
export async function expectUnproven(
  fixture: Fixture,
  devices: readonly string[],
  wrongLogin: (device: string) => LoginRequest,
  message: string,
): Promise<void> {
  const limit = { policy: policies.failure, remaining: 1, resetMs: WINDOW, decidedAt: NOW };
  for (const device of devices) {
    const path = openPath(fixture);
    const login = wrongLogin(device);
    const hmacs = vi.spyOn(crypto, "createHmac");
    syncBuiltinESMExports();
    const error = await caughtErrorOf(path.logIn(login, callerAt()));
    expect(hmacs).toHaveBeenCalledTimes(9);
    hmacs.mockRestore();
    syncBuiltinESMExports();
    expect({ ...error, message: error.message }).toEqual({
      name: "AuthError",
      reason: "invalid_credentials",
      message,
      details: { limit },
    });
    expect(path.charged).toEqual([["failure", "address"]]);
  }
}
