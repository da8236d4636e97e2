// The commands on several devices, by name or by filter.

import { expect, test } from "vitest";
import { GATEWAY } from "../../../src/core/registry/ports.ts";
import { startFileOperator } from "../operator.ts";

const operator = await startFileOperator();
const { registry } = operator.gateway;
for (const customerId of ["north", "south"]) {
  await registry.customers.create({ customerId }, GATEWAY);
  for (const number of [1, 2, 3]) await operator.gateway.enrol({ customerId, deviceKey: `${customerId}-${number}` });
}

const count = async (...options: string[]): Promise<string> =>
  (await operator.operate(["devices", "list", "--count", ...options])).stdout.trim();

test("devices that match a filter are counted, changed and labelled", async () => {
  const { operate, operateJson } = operator;
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
