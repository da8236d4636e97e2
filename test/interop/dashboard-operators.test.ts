// Operators in the dashboard enrol devices, rotate keys and revoke tokens.

import { generateKeyPairSync } from "node:crypto";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { enrolMany, logInBy } from "../gateway.ts";
import { arrive, CONSOLE_ERRORS, openDashboard, openSignedIn } from "./browser.ts";
import { succeed } from "./programs.ts";

test("a new operator enrols a device, explains its login, rotates its key and disables it", async () => {
  const { gateway, page, dialog, visit, click, confirm, fill, see } = await openSignedIn();
  expect(page.url()).not.toContain("sign-in");
  const deviceKey = "story-1";
  const secretShown = page.locator("[data-secret]");
  const statusWith = async (customerKey: string) =>
    (await logInBy(gateway.publicUrl, { deviceKey, customerKey })).status;

  await visit("#/enrol", "Enrol");
  await click("New customer");
  await dialog.getByLabel("Name").fill("Story");
  await confirm("Create");
  await page.getByRole("option", { name: /^Story/ }).waitFor({ state: "attached" });
  await fill("device_key", deviceKey);
  await click("Enrol");
  const firstKey = await secretShown.innerText();
  const curl = await page.getByLabel("Login in curl").inputValue();
  expect(await succeed(["sh", "-c", curl])).toMatch(/^\{"token":"ey/);

  await visit(`#/devices/${deviceKey}`, deviceKey);
  const timestamp = Math.floor(Date.now() / 1000) * 1000;
  const sent = { device_key: deviceKey, timestamp, device_signature: "0".repeat(64) };
  await fill("What the board sent", JSON.stringify(sent));
  await click("Explain");
  await see("Timestamp is in milliseconds");
  expect(await page.locator("body").innerText()).not.toContain(firstKey);

  const { customerId } = await gateway.registry.devices.get(deviceKey);
  await visit(`#/customers/${customerId}`, "Story");
  await click("Issue a key");
  await confirm("Issue");
  const secondKey = await secretShown.innerText();
  await confirm("Close");
  await see("0 of 1 device logged in with the newest key");
  expect(await statusWith(secondKey)).toBe(200);
  await page.getByText("Every device has the newest key. Retire the others.").waitFor({ timeout: 30_000 });
  await page.getByRole("row").last().getByRole("button", { name: "Retire" }).click();
  await dialog.getByText("It stops no device that has logged in.").waitFor();
  await confirm("Retire");
  await see(/^retired$/);
  expect(await statusWith(firstKey)).toBe(401);

  await visit(`#/devices/${deviceKey}`, deviceKey);
  await click("Disable");
  await confirm("Disable");
  await see("This device is disabled: its logins are refused.");
  expect(await statusWith(secondKey)).toBe(403);
  await page.getByRole("region", { name: "Audit events" }).getByText("UpdateDevice").waitFor();
});

test("a wrong token and a used link do not sign in", async () => {
  const { page, click, see, signIn, followLink } = await openDashboard({ expected: CONSOLE_ERRORS });
  await signIn("wrong");
  await see("This is not an admin token of this gateway.");
  const link = await followLink();
  await click("Sign out");
  await page.goto("about:blank");
  await page.goto(link);
  await see("This link has signed in already");
});

test("an operator who may only read has no buttons, and is signed out when the token is revoked", async () => {
  const { gateway, button, see, visit, signIn } = await openDashboard({ expected: CONSOLE_ERRORS });
  const draft = { name: "bob", role: "read", expiresAt: undefined } as const;
  const { adminToken, token } = await gateway.registry.operators.issue(draft, GATEWAY);
  const deviceKey = await gateway.enrol();
  await signIn(adminToken);
  await see("may read only");
  await visit(`#/devices/${deviceKey}`, deviceKey);
  await see("It has not logged in yet.");
  for (const name of ["Disable", "Delete", "Edit", "Revoke tokens"]) expect(await button(name).count(), name).toBe(0);
  await gateway.registry.operators.revoke(token.tokenId, GATEWAY);
  await see("This admin token was revoked. Ask for another.");
});

test("a board with its own key pair is enrolled without a secret; a change to a shared key removes its public key", async () => {
  const { gateway, page, visit, click, confirm, fill, see } = await openSignedIn();
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const base64 = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  await visit(`#/enrol?customer=${gateway.customerId}`, "Enrol");
  await fill("device_key", "pair-1");
  await page.getByLabel("Its own key pair").check();
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  await page.getByRole("textbox", { name: "Public key" }).fill(pem);
  await click("Enrol");
  await see("The device logs in by OAuth");
  expect(await page.locator("[data-secret]").count()).toBe(0);
  await page.getByRole("link", { name: "pair-1" }).click();
  const shown = page.getByText(base64, { exact: true });
  await shown.waitFor();
  await click("Edit");
  await page.getByRole("radio", { name: /^Shared/ }).check();
  await confirm("Save");
  await shown.waitFor({ state: "detached" });
  expect(await gateway.registry.devices.get("pair-1")).toMatchObject({ publicKey: "" });
});

test("many devices are searched, paged, changed together and exported", async () => {
  const { gateway, page, dialog, visit, click, confirm, fill, see } = await openSignedIn();
  const deviceKeys = Array.from({ length: 120 }, (_, at) => `pump-${String(at).padStart(3, "0")}`);
  await enrolMany(gateway, deviceKeys);
  await visit("#/devices", "Devices");
  await see("120 devices");
  await click("Next");
  await page.getByRole("link", { name: "pump-050" }).waitFor();
  await fill("Device begins with", "pump-11");
  await see("10 devices");
  await click("Disable");
  await confirm("Disable 10 devices");
  await see("Done: 10 changed, 0 unchanged.");
  await confirm("Close");
  await page.getByLabel("Status").selectOption("disabled");
  await page.waitForURL(/status=disabled/);
  await see("10 devices");
  await page.getByLabel("Select pump-110").check();
  await click("Label");
  await dialog.getByLabel("Label").fill("site=north");
  await confirm("Label 1 device");
  await confirm("Close");
  const download = page.waitForEvent("download");
  await click("Export");
  const csv = await text(await (await download).createReadStream());
  expect(csv.split("\n")).toHaveLength(12);

  await visit("#/enrol", "Enrol");
  await click("CSV file");
  const importFile = async (content: string) => {
    const file = { name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(content) };
    await page.getByLabel("Choose a file, or drop it here").setInputFiles(file);
    await click("Import devices.csv");
  };
  const { customerId } = gateway;
  await importFile(`device_key,customer_id,name\nnew-1,${customerId},"a\nb"\nnew-2,nobody,x\nnew-3,${customerId}\n`);
  await see("Done: 0 enrolled, 0 changed, 0 unchanged, 3 bad rows.");
  const lines = page.getByRole("region", { name: "Bad rows" }).locator("tbody td:first-child");
  // The page finds the short row, line 5, before the gateway answers.
  expect(await lines.allInnerTexts()).toEqual(["5", "2", "4"]);
  await importFile(csv);
  await see("Done: 0 enrolled, 0 changed, 10 unchanged, 0 bad rows.");
});

test("operators, customers and signing keys are changed, and the audit page lists the changes", async () => {
  const { page, dialog, visit, click, confirm, fill, see } = await openSignedIn();
  await visit("#/operators", "Operators");
  await click("Issue a token");
  await dialog.getByLabel("Name").fill("ada");
  await confirm("Issue");
  await see("It is not shown again.");
  await confirm("Close");
  await click("Revoke");
  await confirm("Revoke");
  await see(/^revoked$/);
  await visit("#/customers", "Customers");
  await click("New customer");
  await fill("Name", "Acme");
  await fill("Id", "acme");
  await confirm("Create");
  await arrive(page, "Acme");
  await click("Edit");
  await fill("Login limit", "20/60s");
  await confirm("Save");
  await see("20/60s");
  await visit("#/audit", "Audit");
  await page.getByLabel("Did", { exact: true }).fill("UpdateCustomer");
  await page.getByRole("link", { name: "customers/acme" }).first().click();
  await page.getByRole("link", { name: "All changes" }).waitFor();
  // Following a link ends a search that is still being typed.
  await page.clock.install();
  await page.getByLabel("Did", { exact: true }).fill("DeleteCustomer");
  await page.evaluate('location.hash = "#/audit?operator=ada"');
  await page.clock.runFor(1_000);
  expect(page.url()).toMatch(/#\/audit\?operator=ada$/);
  // The rotation comes last, since a key signs only once it is a second old.
  await visit("#/signing-keys", "Signing keys");
  await click("Rotate");
  await dialog.getByRole("checkbox").check();
  await confirm("Rotate");
  await see("signs from now on.");
});
