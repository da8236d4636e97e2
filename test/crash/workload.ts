// Concurrent writes of every kind until the gateway is killed, each recorded in a ledger before its request.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { type AdminService, KeyMode, KeyPurpose, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { logInBy } from "../gateway.ts";
import type { CrashingGateway } from "./gateway.ts";
import type { Ledger } from "./ledger.ts";

export interface Fleet {
  readonly customerId: string;
  readonly derivationKey: string;
}

const IMPORTED = 40;
const WORKERS = 4;

/** Enrols a customer with a derivation key. */
export async function enrolFleet({ admin }: CrashingGateway): Promise<Fleet> {
  const { customerId } = await admin.createCustomer({ customer: { displayName: "Crash" } });
  const { customerKey } = await admin.issueCustomerKey({ customerId, purpose: KeyPurpose.DERIVATION });
  return { customerId, derivationKey: customerKey };
}

/** Writes until the gateway is gone and every worker has ended. `onWrite` is called for each acknowledged write. */
export async function writeUntilKilled(
  gateway: CrashingGateway,
  fleet: Fleet,
  ledger: Ledger,
  onWrite: () => void,
): Promise<void> {
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));

  async function work(worker: number): Promise<void> {
    for (let turn = 0; ; turn++) {
      const act = ACTS[(turn + worker) % ACTS.length];
      if (act === undefined) throw new TypeError("there is nothing to do");
      try {
        await act(gateway, fleet, ledger);
      } catch (error) {
        if (isGone(error)) return;
        throw error;
      }
      onWrite();
    }
  }
}

/** Whether the gateway was killed: the outcome of the call is unknown. */
function isGone(error: unknown): boolean {
  if (error instanceof TypeError && error.message === "fetch failed") return true;
  if (error instanceof TypeError && error.message === "terminated") return true;
  if (!(error instanceof ConnectError)) return false;
  // Connect reports a broken write (EPIPE) as internal, with a cause; the gateway's own `internal` has no cause.
  if (error.cause instanceof Error && "syscall" in error.cause) return true;
  return [Code.Unavailable, Code.Aborted, Code.Canceled, Code.Unknown].includes(error.code);
}

type Act = (gateway: CrashingGateway, fleet: Fleet, ledger: Ledger) => Promise<void>;

async function make(
  ledger: Ledger,
  name: string,
  state: string | undefined,
  act: () => Promise<unknown>,
): Promise<void> {
  ledger.ask(name, state);
  await act();
  ledger.acknowledge(name);
}

/** Creates a device, disables it, deletes every other one. */
const device: Act = async ({ admin }, { customerId }, ledger) => {
  const deviceKey = randomUUID();
  await make(ledger, `device ${deviceKey}`, "enabled", () => admin.createDevice({ customerId, device: { deviceKey } }));
  await make(ledger, `device ${deviceKey}`, "disabled", () =>
    admin.updateDevice({ device: { deviceKey, status: Status.DISABLED }, updateMask: { paths: ["status"] } }),
  );
  if (deviceKey < "8") await make(ledger, `device ${deviceKey}`, undefined, () => admin.deleteDevice({ deviceKey }));
};

/** Imports a batch: all of it or nothing. */
const batch: Act = async ({ admin }, { customerId }, ledger) => {
  const rows = Array.from({ length: IMPORTED }, () => ({ deviceKey: randomUUID(), customerId }));
  const names = rows.map(({ deviceKey }) => `device ${deviceKey}`);
  for (const name of names) ledger.ask(name, "enabled");
  await admin.importDevices({ rows });
  for (const name of names) ledger.acknowledge(name);
};

/** Enrols a customer, issues a key, retires it. */
const key: Act = async ({ admin }, _fleet, ledger) => {
  const customerId = randomUUID().slice(0, 13);
  await make(ledger, `customer ${customerId}`, "enabled", () =>
    admin.createCustomer({ customerId, customer: { displayName: customerId } }),
  );
  // Only the answer has the key's name: the ledger notes that one was requested.
  ledger.ask(`keys ${customerId}`, "live");
  const { keyId } = await admin.issueCustomerKey({ customerId });
  ledger.acknowledge(`keys ${customerId}`);
  await make(ledger, `keys ${customerId}`, "retired", () => admin.retireCustomerKey({ keyId }));
};

/** Enrols a device, moves it to a key of its own, logs in with that, and ends the shared key. */
const move: Act = async ({ admin, publicUrl }, { customerId, derivationKey }, ledger) => {
  const device = randomUUID();
  await make(ledger, `device ${device}`, "enabled", () =>
    admin.createDevice({ customerId, device: { deviceKey: device } }),
  );
  await make(ledger, `device ${device}`, "enabled moving", () =>
    admin.updateDevice({
      device: { deviceKey: device, keyMode: KeyMode.DERIVED },
      updateMask: { paths: ["key_mode"] },
    }),
  );
  const own = { deviceKey: device, customerKey: deriveDeviceKey(secretFromText(derivationKey), device) };
  await make(ledger, `device ${device}`, "enabled moved", async () => {
    const { status } = await logInBy(publicUrl, own);
    // Counts as unanswered, like the other calls of this worker.
    if (status === 503) throw new ConnectError("no answer in time", Code.Unavailable);
    if (status !== 200) throw new Error(`a right login by a derived key was answered ${status}`);
    const finish = { device: { deviceKey: device }, updateMask: { paths: ["accepts_shared_key"] } };
    await admin.updateDevice(finish);
  });
};

const ACTS: readonly Act[] = [device, batch, key, move];

/** How long a registry may be unavailable after its database was killed, in milliseconds: the machine may be busy. */
const LONGEST_OUTAGE_MS = 60_000;
const ASK_EVERY_MS = 250;

/** Reads the row of a name in the ledger's form, with retries while the registry is unavailable. */
export async function look(admin: Client<typeof AdminService>, name: string): Promise<string | undefined> {
  const until = performance.now() + LONGEST_OUTAGE_MS;
  for (;;) {
    try {
      return await lookOnce(admin, name);
    } catch (error) {
      const isAway = error instanceof ConnectError && error.code === Code.Unavailable;
      if (!isAway || performance.now() > until) throw error;
      await pause(ASK_EVERY_MS);
    }
  }
}

async function lookOnce(admin: Client<typeof AdminService>, name: string): Promise<string | undefined> {
  const [kind, id = ""] = name.split(" ");
  try {
    switch (kind) {
      case "device": {
        const { status, keyMode, acceptsSharedKey } = await admin.getDevice({ deviceKey: id });
        const word = status === Status.ENABLED ? "enabled" : "disabled";
        return keyMode === KeyMode.DERIVED ? `${word} ${acceptsSharedKey ? "moving" : "moved"}` : word;
      }
      case "customer":
        return (await admin.getCustomer({ customerId: id })).status === Status.ENABLED ? "enabled" : "disabled";
      default: {
        const { customerKeys } = await admin.listCustomerKeys({ customerId: id });
        const [only] = customerKeys;
        return only === undefined ? undefined : only.retireTime === undefined ? "live" : "retired";
      }
    }
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
    throw error;
  }
}
