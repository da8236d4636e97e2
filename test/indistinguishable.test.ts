// An unknown device, a wrong signature, and a wrong signature of a disabled device: answers equal byte for byte, over every
// protocol, the first time and later; only the date and a request id may differ.

import { request as requestHttp1 } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LoginRequestSchema } from "../gen/es/countersign/auth/v1/auth_pb.ts";
import { signLogin } from "../src/cli/sign.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { openGateway, type TestGateway } from "./gateway.ts";

const NOW = 1_764_000_000_000;
const METHOD = "/countersign.auth.v1.AuthService/Login";
const NAMES = {
  unknown: "the-unknown-one",
  shared: "the-shared-one",
  disabled: "the-disabled-1",
  derived: "the-derived-one",
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ ADDRESS_LIMIT: "off", FAILURE_LIMIT: "100/60s" }, { now: () => NOW });
  const { customerId } = await gateway.registry.customers.create(
    { customerId: "", displayName: "", status: "enabled", loginLimit: "" },
    GATEWAY,
  );
  await gateway.registry.customerKeys.issue({ customerId, purpose: "derivation", importedKey: "" }, GATEWAY);
  await gateway.enrol({ deviceKey: NAMES.shared });
  await gateway.enrol({ deviceKey: NAMES.disabled, status: "disabled" });
  await gateway.enrol({ deviceKey: NAMES.derived, keyMode: "derived", customerId });
});
afterAll(() => gateway.close());

/** A whole answer, headers and trailers in their order. */
type Whole = readonly string[];

const isFree = (name: string): boolean => /^(date|x-request-id)$/i.test(name);

function listHeaders(raw: readonly string[]): string[] {
  const pairs = raw.flatMap((name, place) => (place % 2 === 0 ? [`${name}: ${raw[place + 1]}`] : []));
  return pairs.filter((pair) => !isFree(pair.split(":")[0] ?? ""));
}

function overHttp1(url: string, path: string, type: string, body: Uint8Array): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const call = requestHttp1(new URL(path, url), { method: "POST", headers: { "Content-Type": type } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve([
          String(response.statusCode),
          ...listHeaders(response.rawHeaders),
          Buffer.concat(chunks).toString("hex"),
        ]),
      );
    });
    call.on("error", reject);
    call.end(body);
  });
}

function overHttp2(url: string, path: string, type: string, body: Uint8Array): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(url);
    session.on("error", reject);
    const call = session.request({ ":method": "POST", ":path": path, "content-type": type, te: "trailers" });
    const told: string[] = [];
    const chunks: Buffer[] = [];
    const tell = (headers: object): void => {
      told.push(
        ...Object.entries(headers)
          .filter(([name]) => !isFree(name))
          .map(([name, value]) => `${name}: ${value}`),
      );
    };
    call.on("response", tell);
    call.on("trailers", tell);
    call.on("data", (chunk: Buffer) => chunks.push(chunk));
    call.on("error", reject);
    call.on("close", () => {
      session.close();
      resolve([...told, Buffer.concat(chunks).toString("hex")]);
    });
    call.end(body);
  });
}

function bodies(deviceKey: string): { json: Buffer; binary: Uint8Array; framed: Uint8Array } {
  const login = signLogin({ deviceKey, customerKey: "not its key at all" }, NOW / 1000);
  const binary = toBinary(
    LoginRequestSchema,
    create(LoginRequestSchema, {
      deviceKey,
      timestamp: BigInt(login.timestamp),
      deviceSignature: login.device_signature,
    }),
  );
  const head = Buffer.alloc(5);
  head.writeUInt32BE(binary.length, 1);
  return { json: Buffer.from(JSON.stringify(login)), binary, framed: Buffer.concat([head, binary]) };
}

type Ask = (gateway: TestGateway, deviceKey: string) => Promise<Whole>;
const ways: readonly { readonly name: string; readonly ask: Ask }[] = [
  {
    name: "REST",
    ask: ({ publicUrl }, device) => overHttp1(publicUrl, "/auth/login", "application/json", bodies(device).json),
  },
  {
    name: "REST over HTTP/2",
    ask: ({ publicUrl }, device) => overHttp2(publicUrl, "/auth/login", "application/json", bodies(device).json),
  },
  {
    name: "Connect",
    ask: ({ publicUrl }, device) => overHttp1(publicUrl, METHOD, "application/proto", bodies(device).binary),
  },
  {
    name: "gRPC-Web",
    ask: ({ publicUrl }, device) => overHttp1(publicUrl, METHOD, "application/grpc-web+proto", bodies(device).framed),
  },
  {
    name: "gRPC on the public port",
    ask: ({ publicUrl }, device) => overHttp2(publicUrl, METHOD, "application/grpc+proto", bodies(device).framed),
  },
  {
    name: "native gRPC",
    ask: ({ internalUrl }, device) => overHttp2(internalUrl, METHOD, "application/grpc+proto", bodies(device).framed),
  },
];

test.for(ways)("$name: what is wrong is not told", async ({ ask }) => {
  for (const time of ["first", "again"]) {
    const answers = new Map<string, Whole>();
    for (const [kind, name] of Object.entries(NAMES)) answers.set(kind, await ask(gateway, name));
    const unknown = answers.get("unknown");
    expect(unknown?.join("\n"), time).toContain("invalid_credentials");
    for (const [kind, answer] of answers) expect(answer, `${kind}, ${time}`).toEqual(unknown);
  }
});
