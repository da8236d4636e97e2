// An unknown device, a wrong signature, and a wrong signature of a disabled device get the same bytes in every protocol, at the
// first login and later. Only the date and the request id may differ.

import { beforeAll, expect, test } from "vitest";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { signNow, startFileGateway } from "./gateway.ts";
import { encodeLogin } from "./http2-requests.ts";
import { envelope, type HandAnswer, sendByHand } from "./protocols/hand.ts";

const NOW = 1_764_000_000_000;
const METHOD = "/countersign.auth.v1.AuthService/Login";
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

function bodies(deviceKey: string): { json: Buffer; binary: Uint8Array; framed: Uint8Array } {
  const login = signNow(deviceKey, "not its key at all", NOW / 1000);
  const binary = encodeLogin(login);
  return { json: Buffer.from(JSON.stringify(login)), binary, framed: envelope(binary) };
}

const WAYS = [
  { name: "REST", version: 1, path: "/auth/login", type: "application/json", form: "json" },
  { name: "REST over HTTP/2", version: 2, path: "/auth/login", type: "application/json", form: "json" },
  { name: "Connect", version: 1, path: METHOD, type: "application/proto", form: "binary" },
  { name: "gRPC-Web", version: 1, path: METHOD, type: "application/grpc-web+proto", form: "framed" },
  { name: "gRPC", version: 2, path: METHOD, type: "application/grpc+proto", form: "framed" },
] as const;

test.for(WAYS)(
  "$name: errors of unknown devices and wrong proofs are the same",
  async ({ version, path, type, form }) => {
    for (const time of ["first", "again"]) {
      const answers: string[] = [];
      for (const name of Object.values(NAMES)) {
        const request = { version, path, headers: { "content-type": type, te: "trailers" }, body: bodies(name)[form] };
        answers.push(written(await sendByHand(gateway.publicUrl, request)));
      }
      expect(answers[0], time).toContain("invalid_credentials");
      expect(answers, time).toEqual(answers.map(() => answers[0]));
    }
  },
);
