// A registry to back up or to move: its contents, everything that an operator can read of it, and logins of its boards.

import { GATEWAY } from "../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../src/core/signature.ts";
import { type BareGateway, logInBy } from "./gateway.ts";

export interface Board {
  readonly deviceKey: string;
  readonly customerKey: string;
}

const ALL = { pageSize: 1_000, pageToken: "", filter: "" };
/** More than a page. */
const PUMPS = 1_200;
const PUMP = { customerId: "acme", displayName: 'No. 7, "the big one" \\ ü', labels: { site: "north" } };

/** Fills an empty registry. @returns a board with the customer's key, one with a key of its own, and the id of the customer's key */
export async function fillRegistry({ registry }: BareGateway): Promise<{ shared: Board; own: Board; keyId: string }> {
  for (const customerId of ["acme", "globex"]) {
    await registry.customers.create({ customerId, displayName: "Öst", status: "enabled", loginLimit: "off" }, GATEWAY);
  }
  const issue = (purpose: "login" | "derivation") =>
    registry.customerKeys.issue({ customerId: "acme", purpose, importedKey: "" }, GATEWAY);
  const { keyId, customerKey } = await issue("login");
  const derivation = await issue("derivation");
  const rows = Array.from({ length: PUMPS }, (_, index) => ({ ...PUMP, deviceKey: `pump-${index}` }));
  for (let from = 0; from < PUMPS; from += 1_000) await registry.importDevices(rows.slice(from, from + 1_000), GATEWAY);
  await registry.devices.create({ customerId: "acme", deviceKey: "own", keyMode: "derived" }, GATEWAY);
  const own = { deviceKey: "own", customerKey: deriveDeviceKey(secretFromText(derivation.customerKey), "own") };
  return { shared: { deviceKey: "pump-7", customerKey }, own, keyId };
}

/** Reads everything that an operator can see of a registry; the newest thousand of its audit events. */
export async function readRegistry({ registry }: BareGateway) {
  const { items: customers } = await registry.customers.list(ALL);
  const keys = await Promise.all(customers.map(({ customerId }) => registry.customerKeys.list(customerId)));
  const devices = [];
  for (let pageToken = "", isFirst = true; isFirst || pageToken !== ""; isFirst = false) {
    const page = await registry.devices.list({ ...ALL, pageToken });
    devices.push(...page.items);
    pageToken = page.nextPageToken;
  }
  const { items: events } = await registry.listAuditEvents(ALL);
  return { customers, keys, devices, events };
}

/** Boards log in with a signature of this second. A replay guard accepts each once. @returns the statuses */
export async function statusesOf(
  { publicUrl }: BareGateway,
  boards: readonly Board[],
  seconds: number,
): Promise<readonly number[]> {
  return Promise.all(boards.map(async (board) => (await logInBy(publicUrl, board, seconds)).status));
}
