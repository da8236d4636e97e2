// `countersign devices` without import, export and long lists, on one device and on several, against a real gateway.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { GATEWAY } from "../../../src/core/registry/ports.ts";
import { makeBoardKey } from "../../core/assertions.ts";
import { temporaryFolder } from "../../program.ts";
import { startFileOperator } from "../operator.ts";

const operator = await startFileOperator();

test("a device is created, shown and changed", async () => {
  const { operate, operateJson, gateway } = operator;
  const labels = ["--label", "site=north", "--label", "hall=2=b"];
  const create = ["devices", "create", "--customer", gateway.customerId, "--device-key", "pump/7", ...labels];
  expect(await operateJson(create)).toEqual([{ device_key: "pump/7" }]);

  const shown = await operate(["devices", "show", "pump/7"]);
  expect(shown.stdout).toMatch(/^device_key +pump\/7\n/);
  expect(shown.stdout).toMatch(
    /\nkey_mode +shared\nshared_identity +false\nreplay_guard +false\nlabels +hall=2=b;site=north\n/,
  );

  const update = ["devices", "update", "pump/7", "--key-mode", "derived", "--shared-identity", "on", "--name", "Pump"];
  const [changed] = await operateJson([...update, "--replay-guard", "off", "--no-labels"]);
  expect(changed).toMatchObject({
    key_mode: "KEY_MODE_DERIVED",
    accepts_shared_key: true,
    shared_identity: true,
    replay_guard: false,
    display_name: "Pump",
    labels: {},
  });
  const [relabelled] = await operateJson(["devices", "update", "pump/7", "--label", "site=south"]);
  expect(relabelled).toMatchObject({ labels: { site: "south" }, display_name: "Pump" });
});

test("a device_key that overflows a buffer of old firmware is enrolled with a warning", async () => {
  const { operate, gateway } = operator;
  const create = (...args: string[]) => operate(["devices", "create", "--customer", gateway.customerId, ...args]);
  const long = `long-${"x".repeat(27)}`;
  const warning =
    "device_key has 32 characters. Over 31 it overflows the buffer of 42 bytes in ESP8266 firmware in the field";
  const warned = { status: 0, stdout: `device ${long}\n`, stderr: `countersign: ${warning}\n` };
  expect(await create("--device-key", long)).toEqual(warned);
  expect(await create()).toEqual({ status: 0, stdout: expect.stringMatching(/^device [0-9a-f]{24}\n$/), stderr: "" });
});

test("an empty device_key enrols no device: its shell variable was not set", async () => {
  const { operate, gateway } = operator;
  const create = ["devices", "create", "--customer", gateway.customerId, "--device-key", ""];
  expect(await operate(create)).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringContaining("It is empty"),
  });
});

test("a public key is enrolled from a file, shown, and removed", async () => {
  const { operate, operateJson, gateway } = operator;
  const { pem } = makeBoardKey("ES256");
  const file = join(temporaryFolder(), "board.pub");
  writeFileSync(file, pem);
  const create = ["devices", "create", "--customer", gateway.customerId, "--device-key", "own"];
  expect(await operate([...create, "--public-key-file", file])).toMatchObject({ status: 0, stderr: "" });
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, "");
  expect(await operateJson(["devices", "show", "own"])).toMatchObject([{ public_key: base64 }]);
  const update = ["devices", "update", "own"];
  expect((await operateJson([...update, "--no-public-key"])).at(0)).toMatchObject({ public_key: "" });
  expect((await operateJson([...update, "--public-key-file", file])).at(0)).toMatchObject({ public_key: base64 });
});

test("control characters are printed as code points, and unchanged in JSON", async () => {
  const { operate, operateJson, gateway } = operator;
  const name = "a\u202eb\u2066\u2028\ufeffc";
  const show = ["devices", "show", await gateway.enrol({ displayName: name })];
  const list = ["devices", "list", "--filter", 'display_name != ""'];
  const shown = "a\\u{202e}b\\u{2066}\\u{2028}\\u{feff}c\n";
  for (const args of [show, list]) expect((await operate(args)).stdout).toContain(shown);
  expect(await operateJson(show)).toMatchObject([{ display_name: name }]);
});

describe("derive-key", () => {
  test("prints a line for each board, named or on standard input", async () => {
    const { operate, operateJson, gateway } = operator;
    const { customers, customerKeys } = gateway.registry;
    await customers.create({ customerId: "boards" }, GATEWAY);
    await customerKeys.issue({ customerId: "boards", purpose: "derivation", importedKey: "" }, GATEWAY);
    for (const deviceKey of ["b-1", "b-2", "b-3"])
      await gateway.enrol({ customerId: "boards", deviceKey, keyMode: "derived" });
    const derive = ["devices", "derive-key", "b-1", "-"];
    const { status, stdout, stderr } = await operate(derive, { input: "b-2\r\n\nb-3" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^b-1 [0-9a-f]{64}\nb-2 [0-9a-f]{64}\nb-3 [0-9a-f]{64}\n$/);
    const [first] = await operateJson(["devices", "derive-key", "b-1"]);
    expect(`${first?.["device_key"]} ${first?.["customer_key"]}`).toBe(stdout.split("\n")[0]);
  });

  test("warns about a device that signs with the shared key", async () => {
    const { operate, gateway } = operator;
    await gateway.enrol({ customerId: "boards", deviceKey: "b-shared" });
    const warned = await operate(["devices", "derive-key", "b-shared"]);
    expect(warned.stdout).toMatch(/^b-shared [0-9a-f]{64}\n$/);
    expect(warned.stderr).toBe(
      'countersign: "b-shared" has key_mode shared and cannot log in with this key yet. Run: npx countersign devices update b-shared --key-mode derived\n',
    );
  });

  test("names the board that it stopped at", async () => {
    const { operate, gateway } = operator;
    const deviceKey = await gateway.enrol();
    const failed = await operate(["devices", "derive-key", "-", "--json"], { input: `${deviceKey}\nb-9\n` });
    expect([failed.status, failed.stdout]).toEqual([1, ""]);
    expect(JSON.parse(failed.stderr)).toMatchObject({
      error: { reason: "failed_precondition", device_key: deviceKey, message: expect.stringContaining(deviceKey) },
    });
  });
});

const count = async (...options: string[]): Promise<string> =>
  (await operator.operate(["devices", "list", "--count", ...options])).stdout.trim();

test("devices that match a filter are counted, changed and labelled", async () => {
  const { operate, operateJson, gateway } = operator;
  for (const customerId of ["north", "south"]) {
    await gateway.registry.customers.create({ customerId }, GATEWAY);
    for (const number of [1, 2, 3]) await gateway.enrol({ customerId, deviceKey: `${customerId}-${number}` });
  }
  expect(await count("--customer", "north")).toBe("3");
  const disabled = await operate(["devices", "disable", "--customer", "north", "--filter", 'device_key != "north-3"']);
  expect(disabled.stdout).toBe("2 devices are disabled\n");
  expect(await operateJson(["devices", "disable", "--customer", "north"])).toEqual([{ matched: 3, changed: 1 }]);
  expect(await count("--filter", "status = disabled")).toBe("3");
  await operate(["devices", "label", "site=hall 2", "line=b", "--customer", "north"]);
  expect(await count("--filter", 'labels.site = "hall 2" AND labels.line = b')).toBe("3");
  await operate(["devices", "label", "line=", "--customer", "north"]);
  expect(await count("--filter", "labels.line = b")).toBe("0");
});

test("devices are changed by name, and a name that does not exist is an error", async () => {
  const { operate, operateJson, gateway } = operator;
  for (const deviceKey of ["one", "two"]) await gateway.enrol({ deviceKey });
  expect((await operate(["devices", "disable", "one"])).stdout).toBe("1 device is disabled\n");
  expect(await operateJson(["devices", "show", "one"])).toMatchObject([{ status: "STATUS_DISABLED" }]);
  const both = await operate(["devices", "enable", "one", "two", "none"]);
  expect(both).toMatchObject({ status: 1, stdout: "1 device is enabled, 1 already\n" });
  expect(both.stderr).toBe("countersign: 1 of these devices do not exist\n");
  await operate(["devices", "revoke-tokens", "one"]);
  expect((await operateJson(["devices", "show", "one"])).at(0)?.["tokens_not_before"]).toMatch(/^20\d\d-/);
  expect(await operateJson(["devices", "delete", "one"])).toEqual([{ matched: 1, changed: 1 }]);
  expect((await operate(["devices", "show", "one"])).stderr).toContain("does_not_exist");
});

test("devices are selected by last login and by failure", async () => {
  expect([await count("--not-seen-for", "1h"), await count("--failing")]).toEqual(["0", "0"]);
  expect(await operator.operateJson(["devices", "list", "--failing"])).toEqual([]);
});
