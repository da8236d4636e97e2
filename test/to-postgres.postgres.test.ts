// Follows docs/postgresql.md: a gateway moves from SQLite to PostgreSQL, and nothing is lost.

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../src/core/signature.ts";
import { type BareGateway, logInBy, startBareGateway } from "./gateway.ts";
import { commandOf, makeCheckout, makeNpx, paste } from "./pages.ts";
import { emptyPostgres } from "./store/connections.ts";

const PAGE = "docs/postgresql.md";
const ALL = { pageSize: 1_000, pageToken: "", filter: "" };

test("customers, keys, devices, signing keys and audit log move, and logins continue", async () => {
  const checkout = makeCheckout();
  const { url } = await emptyPostgres();
  const settings = { DATA_DIR: resolve(checkout, "data") };
  // The page's `read` gets the URL on standard input.
  const steps = ['exec <<<"$URL"', commandOf(PAGE, "read -rs"), commandOf(PAGE, "npx node")];
  const move = async (): Promise<void> => {
    const { status, stderr } = await paste(steps.join("\n"), {
      cwd: checkout,
      env: { URL: url },
      folders: [makeNpx()],
    });
    if (status !== 0 || stderr !== "") throw new Error(`exit status ${status}: ${stderr}`);
  };

  const before = await startBareGateway(settings);
  const { registry } = before;
  for (const customerId of ["acme", "globex"]) {
    await registry.customers.create({ customerId, displayName: "Öst", status: "enabled", loginLimit: "off" }, GATEWAY);
  }
  const login = await registry.customerKeys.issue({ customerId: "acme", purpose: "login", importedKey: "" }, GATEWAY);
  const derivation = await registry.customerKeys.issue(
    { customerId: "acme", purpose: "derivation", importedKey: "" },
    GATEWAY,
  );
  const rows = Array.from({ length: 1_200 }, (_, index) => ({ ...ROW, deviceKey: `pump-${index}` }));
  for (let from = 0; from < rows.length; from += 1_000) {
    await registry.importDevices(rows.slice(from, from + 1_000), GATEWAY);
  }
  await registry.devices.create({ customerId: "acme", deviceKey: "own", keyMode: "derived" }, GATEWAY);
  const own = { deviceKey: "own", customerKey: deriveDeviceKey(secretFromText(derivation.customerKey), "own") };
  const shared = { deviceKey: "pump-7", customerKey: login.customerKey };
  const now = Math.floor(Date.now() / 1000);
  expect(await statusesOf(before, [shared, own], now)).toEqual([200, 200]);
  const keys = await jwksOf(before);
  await before.close();
  const reopened = await startBareGateway(settings);
  const stored = await everythingOf(reopened);
  await reopened.close();
  expect(stored.devices.length).toBe(1_201);

  const fresh = await startBareGateway({ ...settings, DATABASE_URL: url });
  await fresh.close();
  await move();

  const after = await startBareGateway({ ...settings, DATABASE_URL: url });
  expect(await everythingOf(after)).toEqual(stored);
  expect(await jwksOf(after)).toEqual(keys);
  expect(await statusesOf(after, [shared, own], now + 1)).toEqual([200, 200]);
  await after.registry.devices.delete("pump-8", "", GATEWAY);
  const { items } = await after.registry.listAuditEvents(ALL);
  expect(items[0]?.action).toBe("DeleteDevice");
  expect(items).toHaveLength(stored.events.length + 1);

  // A repetition by mistake destroys nothing.
  await expect(move()).rejects.toThrow("there are customers in PostgreSQL already");
  expect((await after.registry.listAuditEvents(ALL)).items).toEqual(items);
});

const ROW = {
  customerId: "acme",
  displayName: 'No. 7, "the big one" \\ ü',
  labels: { site: "north" },
};

async function statusesOf(
  { publicUrl }: BareGateway,
  boards: readonly { readonly deviceKey: string; readonly customerKey: string }[],
  seconds: number,
): Promise<readonly number[]> {
  return Promise.all(boards.map(async (board) => (await logInBy(publicUrl, board, seconds)).status));
}

async function jwksOf({ publicUrl }: BareGateway): Promise<unknown> {
  const answer = await fetch(new URL("/.well-known/jwks.json", publicUrl));
  return answer.json();
}

/** Reads everything that an operator can see of a registry. */
async function everythingOf({ registry }: BareGateway) {
  const { items: customers } = await registry.customers.list(ALL);
  const keys = await Promise.all(customers.map(({ customerId }) => registry.customerKeys.list(customerId)));
  const first = await registry.devices.list(ALL);
  const second = await registry.devices.list({ ...ALL, pageToken: first.nextPageToken });
  const { items: events } = await registry.listAuditEvents(ALL);
  return { customers, keys, devices: [...first.items, ...second.items], events };
}
