// Operators' work in the dashboard: enrol, change and disable devices, rotate keys, revoke tokens.

import { match } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { Page } from "playwright-core";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { logInBy } from "../gateway.ts";
import { button, dialogButton, followLink, REFUSED, type Scene, type Story, signIn, visit } from "./browser.ts";
import { succeed } from "./rows.ts";

/** Enrols a device by the form. @returns its secret and the login to paste */
async function enrolByForm(page: Page, deviceKey: string): Promise<{ readonly secret: string; readonly curl: string }> {
  await visit(page, "#/enrol", "Enrol");
  await button(page, "New customer").click();
  await page.getByRole("dialog").getByLabel("Name").fill("Story");
  await dialogButton(page, "Create").click();
  await page.getByRole("option", { name: /^Story/ }).waitFor({ state: "attached" });
  await page.getByLabel("device_key").fill(deviceKey);
  await button(page, "Enrol").click();
  const secret = await page.locator("[data-secret]").innerText();
  return { secret, curl: await page.getByLabel("Login in curl").inputValue() };
}

/** Rotates the key of a device's customer on the customer's page: issues a second key, logs in with it, retires the first. */
async function rotate({ gateway, page }: Scene, deviceKey: string): Promise<string> {
  const { customerId } = await gateway.registry.devices.get(deviceKey);
  await visit(page, `#/customers/${customerId}`, "Story");
  await button(page, "Issue a key").click();
  await dialogButton(page, "Issue").click();
  const customerKey = await page.locator("[data-secret]").innerText();
  await dialogButton(page, "Close").click();
  await page.getByText("0 of 1 device logged in with the newest key").waitFor();
  await logInBy(gateway.publicUrl, { deviceKey, customerKey });
  await page.getByText("Every device has the newest key. Retire the others.").waitFor({ timeout: 30_000 });
  await page.getByRole("row").last().getByRole("button", { name: "Retire" }).click();
  await page.getByRole("dialog").getByText("It stops no device that has logged in.").waitFor();
  await dialogButton(page, "Retire").click();
  await page.getByText("retired", { exact: true }).waitFor();
  return customerKey;
}

export const OPERATOR_STORIES: readonly Story[] = [
  {
    name: "a new operator, from the first link to a refused login",
    isOut: true,
    async act(scene) {
      const { gateway, page, mistakes } = scene;
      await followLink(page, gateway);
      if (page.url().includes("sign-in")) mistakes.push("the code stays in the address");
      const deviceKey = "story-1";
      const { secret, curl } = await enrolByForm(page, deviceKey);
      const stdout = await succeed(["sh", "-c", curl], 10_000, "");
      if (!stdout.startsWith('{"token":"ey')) mistakes.push(`the printed login answers ${stdout}`);

      await visit(page, `#/devices/${deviceKey}`, deviceKey);
      const seconds = Math.floor(Date.now() / 1000);
      await page
        .getByLabel("What the board sent")
        .fill(JSON.stringify({ device_key: deviceKey, timestamp: seconds * 1000, device_signature: "0".repeat(64) }));
      await button(page, "Explain").click();
      await page.getByText("Timestamp is in milliseconds").waitFor();
      const shown = await page.locator("body").innerText();
      if (shown.includes(secret)) mistakes.push("the secret is shown again");

      const customerKey = await rotate(scene, deviceKey);
      const old = await logInBy(gateway.publicUrl, { deviceKey, customerKey: secret });
      if (old.status !== 401) mistakes.push(`a retired key is answered ${old.status}`);
      await visit(page, `#/devices/${deviceKey}`, deviceKey);
      await button(page, "Disable").click();
      await dialogButton(page, "Disable").click();
      await page.getByText("This device is disabled: its logins are refused.").waitFor();
      const refused = await logInBy(gateway.publicUrl, { deviceKey, customerKey });
      if (refused.status !== 403) mistakes.push(`a disabled device is answered ${refused.status}`);
      await page.getByRole("region", { name: "Audit events" }).getByText("UpdateDevice").waitFor();
    },
  },
  {
    name: "a wrong token, and a used link",
    isOut: true,
    expected: REFUSED,
    async act({ gateway, page }) {
      await page.goto(gateway.internalUrl);
      await signIn(page, "wrong");
      await page.getByText("This is not an admin token of this gateway.").waitFor();
      const link = (await gateway.createSignInLink()) ?? "";
      await page.goto(link);
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      await button(page, "Sign out").click();
      await page.goto("about:blank");
      await page.goto(link);
      await page.getByText("This link has signed in already").waitFor();
    },
  },
  {
    name: "an operator who may read, and whose token is revoked",
    isOut: true,
    expected: REFUSED,
    async act({ gateway, page, mistakes }) {
      const draft = { name: "bob", role: "read", expiresAt: undefined } as const;
      const { adminToken, token } = await gateway.registry.operators.issue(draft, GATEWAY);
      const deviceKey = await gateway.enrol();
      await page.goto(gateway.internalUrl);
      await signIn(page, adminToken);
      await page.getByText("may read only").waitFor();
      await visit(page, `#/devices/${deviceKey}`, deviceKey);
      await page.getByText("It has not logged in yet.").waitFor();
      for (const name of ["Disable", "Delete", "Edit", "Revoke tokens"]) {
        if ((await button(page, name).count()) > 0) mistakes.push(`bob may ${name}`);
      }
      await gateway.registry.operators.revoke(token.tokenId, GATEWAY);
      await page.getByText("This admin token was revoked. Ask for another.").waitFor();
    },
  },
  {
    name: "a board with a key pair of its own",
    async act({ gateway, page, mistakes }) {
      const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const base64 = publicKey.export({ format: "der", type: "spki" }).toString("base64");
      await visit(page, `#/enrol?customer=${gateway.customerId}`, "Enrol");
      await page.getByLabel("device_key").fill("pair-1");
      await page.getByLabel("Its own key pair").check();
      await page
        .getByRole("textbox", { name: "Public key" })
        .fill(publicKey.export({ format: "pem", type: "spki" }).toString());
      await button(page, "Enrol").click();
      await page.getByText("The device logs in by OAuth").waitFor();
      if ((await page.locator("[data-secret]").count()) > 0) mistakes.push("a secret is shown");
      await page.getByRole("link", { name: "pair-1" }).click();
      await page.getByText(base64, { exact: true }).waitFor();
      await button(page, "Edit").click();
      await page.getByRole("radio", { name: /^Shared/ }).check();
      await dialogButton(page, "Save").click();
      await page.getByText(base64, { exact: true }).waitFor({ state: "detached" });
      const device = await gateway.registry.devices.get("pair-1");
      if (device.publicKey !== "") mistakes.push("the public key is still accepted");
    },
  },
  {
    name: "many devices: search, pages, bulk, export and a file with bad rows",
    async act({ gateway, page, mistakes }) {
      const rows = Array.from({ length: 120 }, (_, at) => ({
        deviceKey: `pump-${String(at).padStart(3, "0")}`,
        customerId: gateway.customerId,
      }));
      await gateway.registry.importDevices(rows, GATEWAY, false);
      await visit(page, "#/devices", "Devices");
      await page.getByText("120 devices").waitFor();
      await button(page, "Next").click();
      await page.getByRole("link", { name: "pump-050" }).waitFor();
      await page.getByLabel("Device begins with").fill("pump-11");
      await page.getByText("10 devices").waitFor();
      await button(page, "Disable").click();
      await dialogButton(page, "Disable 10 devices").click();
      await page.getByText("Done: 10 changed, 0 unchanged.").waitFor();
      await dialogButton(page, "Close").click();
      await page.getByLabel("Status").selectOption("disabled");
      await page.waitForURL(/status=disabled/);
      await page.getByText("10 devices").waitFor();
      await page.getByLabel("Select pump-110").check();
      await button(page, "Label").click();
      await page.getByRole("dialog").getByLabel("Label").fill("site=north");
      await dialogButton(page, "Label 1 device").click();
      await dialogButton(page, "Close").click();
      const download = page.waitForEvent("download");
      await button(page, "Export").click();
      const chunks: Buffer[] = [];
      for await (const chunk of await (await download).createReadStream()) chunks.push(Buffer.from(chunk));
      const csv = Buffer.concat(chunks).toString();
      if (csv.split("\n").length !== 12) mistakes.push(`the export has ${csv.split("\n").length} lines`);

      await visit(page, "#/enrol", "Enrol");
      await button(page, "CSV file").click();
      const broken = `device_key,customer_id,name\nnew-1,${gateway.customerId},"a\nb"\nnew-2,nobody,x\nnew-3,${gateway.customerId}\n`;
      const file = { name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(broken) };
      await page.getByLabel("Choose a file, or drop it here").setInputFiles(file);
      await button(page, "Import devices.csv").click();
      await page.getByText("Done: 0 enrolled, 0 changed, 0 unchanged, 3 bad rows.").waitFor();
      const lines = await page
        .getByRole("region", { name: "Bad rows" })
        .locator("tbody td:first-child")
        .allInnerTexts();
      if (lines.join() !== "5,2,4") mistakes.push(`bad rows have the lines ${lines.join()}`);
      const again = { ...file, buffer: Buffer.from(csv) };
      await page.getByLabel("Choose a file, or drop it here").setInputFiles(again);
      await button(page, "Import devices.csv").click();
      await page.getByText("Done: 0 enrolled, 0 changed, 10 unchanged, 0 bad rows.").waitFor();
    },
  },
  {
    name: "operators, customers and signing keys are changed",
    async act({ page }) {
      await visit(page, "#/operators", "Operators");
      await button(page, "Issue a token").click();
      await page.getByRole("dialog").getByLabel("Name").fill("ada");
      await dialogButton(page, "Issue").click();
      await page.getByText("It is not shown again.").waitFor();
      await dialogButton(page, "Close").click();
      await button(page, "Revoke").click();
      await dialogButton(page, "Revoke").click();
      await page.getByText("revoked", { exact: true }).waitFor();
      await visit(page, "#/customers", "Customers");
      await button(page, "New customer").click();
      await page.getByLabel("Name").fill("Acme");
      await page.getByLabel("Id").fill("acme");
      await dialogButton(page, "Create").click();
      await page.getByRole("heading", { level: 1, name: "Acme" }).waitFor();
      await button(page, "Edit").click();
      await page.getByLabel("Login limit").fill("20/60s");
      await dialogButton(page, "Save").click();
      await page.getByText("20/60s").waitFor();
      await visit(page, "#/audit", "Audit");
      await page.getByLabel("Did", { exact: true }).fill("UpdateCustomer");
      await page.getByRole("link", { name: "customers/acme" }).first().click();
      await page.getByRole("link", { name: "All changes" }).waitFor();
      // Following a link ends a search that is still being typed.
      await page.clock.install();
      await page.getByLabel("Did", { exact: true }).fill("DeleteCustomer");
      await page.evaluate('location.hash = "#/audit?operator=ada"');
      await page.clock.runFor(1_000);
      match(page.url(), /#\/audit\?operator=ada$/);
      // Last: a key has to be a second old before it signs.
      await visit(page, "#/signing-keys", "Signing keys");
      await button(page, "Rotate").click();
      await page.getByRole("dialog").getByRole("checkbox").check();
      await dialogButton(page, "Rotate").click();
      await page.getByText("signs from now on.").waitFor();
    },
  },
];
