// `countersign devices`, except import, export and long lists.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { startFileOperator } from "../command.ts";
import { makeBoardKey } from "../core/assertions.ts";
import { temporaryFolder } from "../program.ts";

const { gateway, operate, operateJson, expectOutput } = await startFileOperator();
const CREATE = `devices create --customer ${gateway.customerId}`;

test("a device is created, shown and changed", async () => {
  const created = await operateJson(`${CREATE} --device-key pump/7 --label site=north --label hall=2=b`);
  expect(created).toEqual([{ device_key: "pump/7" }]);
  const fields = "key_mode +shared\nshared_identity +false\nreplay_guard +false\nlabels +hall=2=b;site=north";
  await expectOutput("devices show pump/7", new RegExp(`^device_key +pump/7\n[^]*\n${fields}\n`));

  const update = "devices update pump/7 --key-mode derived --shared-identity on --name Pump --replay-guard off";
  expect(await operateJson(`${update} --no-labels`)).toMatchObject([
    {
      key_mode: "KEY_MODE_DERIVED",
      accepts_shared_key: true,
      shared_identity: true,
      replay_guard: false,
      display_name: "Pump",
      labels: {},
    },
  ]);
  const relabelled = await operateJson("devices update pump/7 --label site=south");
  expect(relabelled).toMatchObject([{ labels: { site: "south" }, display_name: "Pump" }]);
});

test("a device_key that overflows a buffer of old firmware is enrolled with a warning", async () => {
  const long = `long-${"x".repeat(27)}`;
  const warning = "has 32 characters. Over 31 it overflows the buffer of 42 bytes in ESP8266 firmware in the field";
  const stderr = `countersign: device_key ${warning}\n`;
  await expectOutput(`${CREATE} --device-key ${long}`, { stdout: `device ${long}\n`, stderr });
  await expectOutput(CREATE, /^device [0-9a-f]{24}\n$/);
});

test("a public key is enrolled from a file, shown, and removed", async () => {
  const { pem } = makeBoardKey("ES256");
  const file = join(temporaryFolder(), "board.pub");
  writeFileSync(file, pem);
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, "");
  await expectOutput(`${CREATE} --device-key own --public-key-file ${file}`, "device own\n");
  expect(await operateJson("devices show own")).toMatchObject([{ public_key: base64 }]);
  expect(await operateJson("devices update own --no-public-key")).toMatchObject([{ public_key: "" }]);
  expect(await operateJson(`devices update own --public-key-file ${file}`)).toMatchObject([{ public_key: base64 }]);
});

test("control characters are printed as code points, and unchanged in JSON", async () => {
  const name = "a\u202eb\u2066\u2028\ufeffc";
  const show = `devices show ${await gateway.enrol({ displayName: name })}`;
  for (const line of [show, `devices list --filter 'display_name != ""'`]) {
    expect((await operate(line)).stdout).toContain("a\\u{202e}b\\u{2066}\\u{2028}\\u{feff}c\n");
  }
  expect(await operateJson(show)).toMatchObject([{ display_name: name }]);
});

test("derive-key prints a line for each board, named or on standard input", async () => {
  const { customers, customerKeys } = gateway.registry;
  await customers.create({ customerId: "boards" }, GATEWAY);
  await customerKeys.issue({ customerId: "boards", purpose: "derivation", importedKey: "" }, GATEWAY);
  for (const deviceKey of ["b-1", "b-2", "b-3"])
    await gateway.enrol({ customerId: "boards", deviceKey, keyMode: "derived" });
  const keys = /^b-1 [0-9a-f]{64}\nb-2 [0-9a-f]{64}\nb-3 [0-9a-f]{64}\n$/;
  await expectOutput("devices derive-key b-1 -", keys, { input: "b-2\r\n\nb-3" });
  const [first] = await operateJson("devices derive-key b-1");
  await expectOutput("devices derive-key b-1", `${first?.["device_key"]} ${first?.["customer_key"]}\n`);

  await gateway.enrol({ customerId: "boards", deviceKey: "b-shared" });
  const warning = '"b-shared" has key_mode shared and cannot log in with this key yet';
  const cure = "Run: npx countersign devices update b-shared --key-mode derived";
  const warned = { stdout: /^b-shared [0-9a-f]{64}\n$/, stderr: `countersign: ${warning}. ${cure}\n` };
  await expectOutput("devices derive-key b-shared", warned);
});

test("derive-key names the board that it stopped at", async () => {
  const deviceKey = await gateway.enrol();
  const { status, stdout, stderr } = await operate("devices derive-key - --json", { input: `${deviceKey}\nb-9\n` });
  expect([status, stdout]).toEqual([1, ""]);
  const error = { reason: "failed_precondition", device_key: deviceKey, message: expect.stringContaining(deviceKey) };
  expect(JSON.parse(stderr)).toMatchObject({ error });
});

const expectCount = (options: string, count: number) => expectOutput(`devices list --count ${options}`, `${count}\n`);

test("devices that match a filter are counted, changed and labelled", async () => {
  for (const customerId of ["north", "south"]) {
    await gateway.registry.customers.create({ customerId }, GATEWAY);
    for (const number of [1, 2, 3]) await gateway.enrol({ customerId, deviceKey: `${customerId}-${number}` });
  }
  await expectCount("--customer north", 3);
  const disable = "devices disable --customer north";
  await expectOutput(`${disable} --filter 'device_key != "north-3"'`, "2 devices are disabled\n");
  expect(await operateJson(disable)).toEqual([{ matched: 3, changed: 1 }]);
  await expectCount("--filter 'status = disabled'", 3);
  await operate("devices label 'site=hall 2' line=b --customer north");
  await expectCount(`--filter 'labels.site = "hall 2" AND labels.line = b'`, 3);
  await operate("devices label line= --customer north");
  await expectCount("--filter 'labels.line = b'", 0);
});

test("devices are changed by name, and a name that does not exist is an error", async () => {
  for (const deviceKey of ["one", "two"]) await gateway.enrol({ deviceKey });
  await expectOutput("devices disable one", "1 device is disabled\n");
  expect(await operateJson("devices show one")).toMatchObject([{ status: "STATUS_DISABLED" }]);
  const stderr = "countersign: 1 of these devices do not exist\n";
  await expectOutput("devices enable one two none", { status: 1, stdout: "1 device is enabled, 1 already\n", stderr });
  await operate("devices revoke-tokens one");
  const notBefore = expect.stringMatching(/^20\d\d-/);
  expect(await operateJson("devices show one")).toMatchObject([{ tokens_not_before: notBefore }]);
  expect(await operateJson("devices delete one")).toEqual([{ matched: 1, changed: 1 }]);
  await expectOutput("devices show one", { status: 1, stderr: /does_not_exist/ });
});

test("devices are selected by last login and by failure", async () => {
  await expectCount("--not-seen-for 1h", 0);
  await expectCount("--failing", 0);
  expect(await operateJson("devices list --failing")).toEqual([]);
});
