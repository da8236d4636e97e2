// Concurrent writes of every kind to a gateway until it is killed, each recorded in a ledger before its request.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService, KeyMode, KeyPurpose, Status } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Environment } from "../../src/config.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { ADMIN_TOKEN, logInBy, namedSettings } from "../gateway.ts";
import { launch } from "../program.ts";

type Admin = Client<typeof AdminService>;

export interface CrashingGateway {
  readonly admin: Admin;
  readonly publicUrl: string;
  /** Sends SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** Starts a gateway in its own process. It can be started again on the same data. */
export async function startCrashingGateway(settings: Environment): Promise<CrashingGateway> {
  const own = { TOKEN_ALG: "EdDSA", LOGIN_LIMIT: "off", ADDRESS_LIMIT: "off", LOG_LEVEL: "error", ...settings };
  const { publicUrl, internalUrl, end } = await launch([], { env: namedSettings(own), logLength: 4_096 });
  const transport = createConnectTransport({
    baseUrl: internalUrl,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${ADMIN_TOKEN}`);
        return next(request);
      },
    ],
  });
  return { publicUrl, admin: createClient(AdminService, transport), kill: async () => void (await end("SIGKILL")) };
}

/** The state of a row, as text; undefined if the row does not exist. */
type State = string | undefined;

/** The states that each row may have after a crash: the acknowledged one, and the one of an unanswered request. */
export class Ledger {
  readonly states = new Map<string, readonly [acknowledged: State, ...asked: State[]]>();
  /** Names that were changed since the last crash. */
  readonly touched = new Set<string>();
  acknowledged = 0;

  /** Changes rows to a state: each may have it from the request on, and has it once the change is acknowledged. */
  async change<Answer>(state: State, act: () => Promise<Answer>, ...names: readonly string[]): Promise<Answer> {
    for (const name of names) {
      this.states.set(name, [this.states.get(name)?.[0], state]);
      this.touched.add(name);
    }
    const answer = await act();
    for (const name of names) this.states.set(name, [state]);
    this.acknowledged += names.length;
    return answer;
  }

  /** Compares the state after a crash with the possible ones. It then counts as acknowledged. @returns the fault, if any */
  settle(name: string, found: State): string | undefined {
    const possible = this.states.get(name) ?? [undefined];
    this.states.set(name, [found]);
    this.touched.delete(name);
    if (possible.includes(found)) return undefined;
    return `${name} is ${found ?? "gone"} and was ${possible.map((state) => state ?? "gone").join(" or ")}`;
  }
}

export interface Fleet {
  readonly customerId: string;
  readonly derivationKey: string;
}

/** Number of devices in an import. */
export const IMPORTED = 40;
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
  async function work(worker: number): Promise<void> {
    try {
      for (let turn = worker; ; turn++) {
        await ACTS[turn % ACTS.length]?.(gateway, fleet, ledger);
        onWrite();
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
}

/** Whether the gateway was killed: the outcome of the call is unknown. */
function isGone(error: unknown): boolean {
  if (error instanceof TypeError) return ["fetch failed", "terminated"].includes(error.message);
  if (!(error instanceof ConnectError)) return false;
  // Connect reports a broken write (EPIPE) as internal, with a cause; the gateway's own `internal` has no cause.
  if (error.cause instanceof Error && "syscall" in error.cause) return true;
  return [Code.Unavailable, Code.Aborted, Code.Canceled, Code.Unknown].includes(error.code);
}

type Act = (gateway: CrashingGateway, fleet: Fleet, ledger: Ledger) => Promise<void>;

/** Creates a device, disables it, deletes every other one. */
const device: Act = async ({ admin }, { customerId }, ledger) => {
  const deviceKey = randomUUID();
  const name = `device ${deviceKey}`;
  await ledger.change("enabled", () => admin.createDevice({ customerId, device: { deviceKey } }), name);
  const disable = { device: { deviceKey, status: Status.DISABLED }, updateMask: { paths: ["status"] } };
  await ledger.change("disabled", () => admin.updateDevice(disable), name);
  if (deviceKey < "8") await ledger.change(undefined, () => admin.deleteDevice({ deviceKey }), name);
};

/** Imports a batch: all of it or nothing. */
const batch: Act = async ({ admin }, { customerId }, ledger) => {
  const rows = Array.from({ length: IMPORTED }, () => ({ deviceKey: randomUUID(), customerId }));
  const names = rows.map(({ deviceKey }) => `device ${deviceKey}`);
  await ledger.change("enabled", () => admin.importDevices({ rows }), ...names);
};

/** Enrols a customer, issues a key, retires it. */
const key: Act = async ({ admin }, _fleet, ledger) => {
  const customerId = randomUUID().slice(0, 13);
  const customer = { customerId, customer: { displayName: customerId } };
  await ledger.change("enabled", () => admin.createCustomer(customer), `customer ${customerId}`);
  // Only the answer has the key's name.
  const name = `keys ${customerId}`;
  const { keyId } = await ledger.change("live", () => admin.issueCustomerKey({ customerId }), name);
  await ledger.change("retired", () => admin.retireCustomerKey({ keyId }), name);
};

/** Enrols a device, moves it to a key of its own, logs in with that, and ends the shared key. */
const move: Act = async ({ admin, publicUrl }, { customerId, derivationKey }, ledger) => {
  const deviceKey = randomUUID();
  const name = `device ${deviceKey}`;
  await ledger.change("enabled", () => admin.createDevice({ customerId, device: { deviceKey } }), name);
  const begin = { device: { deviceKey, keyMode: KeyMode.DERIVED }, updateMask: { paths: ["key_mode"] } };
  await ledger.change("enabled moving", () => admin.updateDevice(begin), name);
  const own = { deviceKey, customerKey: deriveDeviceKey(secretFromText(derivationKey), deviceKey) };
  const finish = { device: { deviceKey }, updateMask: { paths: ["accepts_shared_key"] } };
  const logInAndFinish = async (): Promise<void> => {
    const { status } = await logInBy(publicUrl, own);
    // Counts as unanswered, like the other calls of this worker.
    if (status === 503) throw new ConnectError("no answer in time", Code.Unavailable);
    if (status !== 200) throw new Error(`a right login by a derived key was answered ${status}`);
    await admin.updateDevice(finish);
  };
  await ledger.change("enabled moved", logInAndFinish, name);
};

const ACTS: readonly Act[] = [device, batch, key, move];

/** How long a registry may be unavailable after its database was killed, in milliseconds: the machine may be busy. */
const LONGEST_OUTAGE_MS = 60_000;
const ASK_EVERY_MS = 250;

/** Reads the row of a name in the ledger's form, with retries while the registry is unavailable. */
export async function look(admin: Admin, name: string): Promise<State> {
  for (const until = performance.now() + LONGEST_OUTAGE_MS; ; await pause(ASK_EVERY_MS)) {
    try {
      return await lookOnce(admin, name);
    } catch (error) {
      const { code } = ConnectError.from(error);
      if (code === Code.NotFound) return undefined;
      if (code !== Code.Unavailable || performance.now() > until) throw error;
    }
  }
}

async function lookOnce(admin: Admin, name: string): Promise<State> {
  const [kind, id = ""] = name.split(" ");
  const wordOf = (status: Status): string => (status === Status.ENABLED ? "enabled" : "disabled");
  if (kind === "customer") return wordOf((await admin.getCustomer({ customerId: id })).status);
  if (kind === "device") {
    const { status, keyMode, acceptsSharedKey } = await admin.getDevice({ deviceKey: id });
    const move = acceptsSharedKey ? "moving" : "moved";
    return keyMode === KeyMode.DERIVED ? `${wordOf(status)} ${move}` : wordOf(status);
  }
  const [only] = (await admin.listCustomerKeys({ customerId: id })).customerKeys;
  return only && (only.retireTime === undefined ? "live" : "retired");
}
