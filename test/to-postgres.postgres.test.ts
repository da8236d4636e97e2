// Follows docs/postgresql.md: a gateway moves from SQLite to PostgreSQL, and nothing is lost.

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { type BareGateway, startBareGateway } from "./gateway.ts";
import { exampleOf, makeCheckout, makeNpx, runShell } from "./pages.ts";
import { fillRegistry, readRegistry, statusesOf } from "./registry-contents.ts";
import { emptyPostgres } from "./store/connections.ts";

const PAGE = "docs/postgresql.md";

test("customers, keys, devices, signing keys and audit log move, and logins continue", async () => {
  const checkout = makeCheckout();
  const { url } = await emptyPostgres();
  const settings = { DATA_DIR: resolve(checkout, "data") };
  // The page's `read` gets the URL on standard input.
  const steps = ['exec <<<"$URL"', exampleOf(PAGE, "sh", "read -rs"), exampleOf(PAGE, "sh", "npx node")].join("\n");
  const move = () => runShell(steps, { cwd: checkout, env: { URL: url }, folders: [makeNpx()] }, "bash");

  const before = await startBareGateway(settings);
  const { shared, own } = await fillRegistry(before);
  const now = Math.floor(Date.now() / 1000);
  expect(await statusesOf(before, [shared, own], now)).toEqual([200, 200]);
  const keys = await jwksOf(before);
  await before.close();
  const reopened = await startBareGateway(settings);
  const stored = await readRegistry(reopened);
  await reopened.close();
  expect(stored.devices.length).toBe(1_201);

  const fresh = await startBareGateway({ ...settings, DATABASE_URL: url });
  await fresh.close();
  await move();

  const after = await startBareGateway({ ...settings, DATABASE_URL: url });
  expect(await readRegistry(after)).toEqual(stored);
  expect(await jwksOf(after)).toEqual(keys);
  expect(await statusesOf(after, [shared, own], now + 1)).toEqual([200, 200]);
  await after.registry.devices.delete("pump-8", "", GATEWAY);
  const { events } = await readRegistry(after);
  expect(events[0]?.action).toBe("DeleteDevice");
  expect(events).toHaveLength(stored.events.length + 1);

  // A repetition by mistake destroys nothing.
  await expect(move()).rejects.toThrow("there are customers in PostgreSQL already");
  expect((await readRegistry(after)).events).toEqual(events);
});

async function jwksOf({ publicUrl }: BareGateway): Promise<unknown> {
  const answer = await fetch(new URL("/.well-known/jwks.json", publicUrl));
  return answer.json();
}
