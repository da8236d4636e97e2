// An unknown device, a wrong signature, and a wrong signature of a disabled device get the same bytes, at the first login and later.
// Only the date and the request id may differ. core/login.test.ts compares the errors, which every protocol renders.

import { beforeAll, expect, test } from "vitest";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { signNow, startFileGateway } from "./gateway.ts";
import { type HandAnswer, sendByHand } from "./protocols/hand.ts";

const NOW = 1_764_000_000_000;
const NAMES = {
  unknown: "the-unknown-one",
  shared: "the-shared-one",
  disabled: "the-disabled-1",
  derived: "the-derived-one",
};

const gateway = await startFileGateway({ ADDRESS_LIMIT: "off", FAILURE_LIMIT: "100/60s" }, { now: () => NOW });
beforeAll(async () => {
  const { customerId } = await gateway.registry.customers.create({ customerId: "" }, GATEWAY);
  await gateway.registry.customerKeys.issue({ customerId, purpose: "derivation", importedKey: "" }, GATEWAY);
  await gateway.enrol({ deviceKey: NAMES.shared });
  await gateway.enrol({ deviceKey: NAMES.disabled, status: "disabled" });
  await gateway.enrol({ deviceKey: NAMES.derived, keyMode: "derived", customerId });
});

/** A whole answer, headers and trailers in their order, without the date and the request id. */
function written({ status, headers, trailers, body }: HandAnswer): string {
  const fields = [...Object.entries(headers), ...Object.entries(trailers)];
  const fixed = fields.filter(([name]) => !/^(date|x-request-id)$/.test(name));
  return [status, ...fixed.map(([name, value]) => `${name}: ${value}`), body.toString("latin1")].join("\n");
}

test("errors of unknown devices and wrong proofs are the same", async () => {
  const headers = { "content-type": "application/json" };
  for (const time of ["first", "again"]) {
    const answers: string[] = [];
    for (const name of Object.values(NAMES)) {
      const body = Buffer.from(JSON.stringify(signNow(name, "not its key at all", NOW / 1000)));
      answers.push(written(await sendByHand(gateway.publicUrl, { version: 1, path: "/auth/login", headers, body })));
    }
    expect(answers[0], time).toContain("invalid_credentials");
    expect(answers, time).toEqual(answers.map(() => answers[0]));
  }
});
