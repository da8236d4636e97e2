// The parts of a login: a SQLite store in its own folder, the memory limiter, a real signer.

import crypto from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, vi } from "vitest";
import { createMemoryLimiter } from "../../src/core/limiter/memory.ts";
import { type Caller, createLogIn, type LogIn, type Login, type LoginRequest } from "../../src/core/login.ts";
import type { KeyPurpose, Limiter, Policy, PolicyName, TokenSigner } from "../../src/core/ports.ts";
import type { DeviceDraft } from "../../src/core/registry/devices.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { createRegistry, type Registry } from "../../src/core/registry/registry.ts";
import { computeSignature, secretFromText } from "../../src/core/signature.ts";
import type { KeyRing } from "../../src/core/tokens/keyring.ts";
import { migrate } from "../../src/store/migrations.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore, type Store } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { openRing, signerOf } from "../keyring/ring.ts";

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
export interface Fixture {
  readonly store: Store;
  readonly ring: KeyRing;
  readonly signer: TokenSigner;
  readonly registry: Registry;
  /** A registry with another clock. */
  registryAt(clock: { readonly now: number }): Registry;
  close(): Promise<void>;
}

export async function openFixture(): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const database = openSqlite(join(folder, "countersign.db"));
  await migrate(database);
  const store = createStore(database, createSealer([Buffer.alloc(32, 1)]));
  const ring = await openRing(store.signingKeys, { alg: "RS256" });
  const signer = signerOf({ active: ring.active, confirm: ring.confirm });
  // The clock of enrolments: well before any login, and later for each change.
  let registryNow = NOW - 86_400_000;
  const registry = createRegistry({
    ...store,
    now() {
      registryNow += 1_000;
      return registryNow;
    },
  });
  return {
    store,
    ring,
    signer,
    registry,
    registryAt: (clock) => createRegistry({ ...store, now: () => clock.now }),
    async close() {
      await database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Opens the parts for the tests of a file. */
export async function shareFixture(): Promise<Fixture> {
  const fixture = await openFixture();
  afterAll(fixture.close);
  return fixture;
}

/** One login path with its own limits, a settable clock, and a record of charges and look-ups. */
export interface Path {
  /** The clock, in Unix milliseconds. Tests set it. */
  now: number;
  readonly logIn: LogIn;
  readonly limiter: Limiter;
  /** The charged policies of each call, in order. */
  readonly charged: (readonly PolicyName[])[];
  readonly lookedUp: string[];
  enrol(draft?: Partial<DeviceDraft & { customerStatus: DeviceDraft["status"]; loginLimit: string }>): Promise<string>;
  /** Enrols a customer with one key of a purpose. */
  enrolOwner(purpose: KeyPurpose): Promise<{ customerId: string; customerKey: string }>;
  /** Signs and logs in; absent parts of the attempt are right. */
  login(deviceKey: string, attempt?: Attempt): Promise<Login>;
}

export interface Attempt {
  readonly key?: string;
  readonly timestamp?: number;
  readonly address?: string;
}

export interface PathOptions {
  readonly signer?: TokenSigner;
  readonly policies?: Partial<Record<"login" | "failure" | "address", Policy | undefined>>;
}

export function openPath(fixture: Fixture, options: PathOptions = {}): Path {
  const limiter = createMemoryLimiter(1_000);
  const { customers, customerKeys, devices } = fixture.registry;
  const charged: (readonly PolicyName[])[] = [];
  const lookedUp: string[] = [];
  const clock = { now: NOW };
  const limits = { ...policies, ...options.policies };

  const logIn = createLogIn({
    credentials: {
      find(deviceKey, now) {
        lookedUp.push(deviceKey);
        return fixture.store.credentials.find(deviceKey, now);
      },
    },
    limiter: {
      ...limiter,
      charge(charges, now) {
        charged.push(charges.map(({ policy }) => policy.name));
        return limiter.charge(charges, now);
      },
    },
    signer: options.signer ?? fixture.signer,
    policies: { ...limits, address: () => limits.address },
    skewMs: SKEW,
    now: () => clock.now,
  });

  return Object.assign(clock, {
    logIn,
    limiter,
    charged,
    lookedUp,
    async enrol({ customerStatus = "enabled", loginLimit = "", ...draft }: Parameters<Path["enrol"]>[0] = {}) {
      const { customerId } = await customers.create({ customerId: "", status: customerStatus, loginLimit }, GATEWAY);
      await customerKeys.issue({ customerId, purpose: "login", importedKey: CUSTOMER_KEY }, GATEWAY);
      return (await devices.create({ customerId, deviceKey: "", ...draft }, GATEWAY)).deviceKey;
    },
    async enrolOwner(purpose: KeyPurpose) {
      const { customerId } = await customers.create({ customerId: "" }, GATEWAY);
      const { customerKey } = await customerKeys.issue({ customerId, purpose, importedKey: "" }, GATEWAY);
      return { customerId, customerKey };
    },
    login(deviceKey: string, attempt: Attempt = {}) {
      return logIn(request(deviceKey, attempt), callerAt(attempt.address));
    },
  });
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

/** How many HMACs are computed while `act` runs. */
export async function countHmacs(act: () => Promise<unknown>): Promise<number> {
  const spy = vi.spyOn(crypto, "createHmac");
  syncBuiltinESMExports();
  try {
    await act();
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
    syncBuiltinESMExports();
  }
}
