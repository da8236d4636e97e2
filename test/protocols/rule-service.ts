// Compiles rules.proto, and serves its methods by handlers that echo.

import { execFileSync } from "node:child_process";
import { createFileRegistry, type DescMethod, type DescMethodUnary, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createMethodImplSpec, type ServiceImplSpec } from "@connectrpc/connect";

export function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function compile() {
  const modules = [{ path: "proto" }, { path: "test/protocols" }];
  const flags = ["--config", JSON.stringify({ version: "v2", modules }), "--path", "test/protocols/rules.proto"];
  const bytes = execFileSync("node_modules/.bin/buf", ["build", ...flags, "--output", "-"]);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const service = registry.getService("test.rules.Rules");
  const thing = registry.getMessage("test.rules.Thing");
  if (service === undefined || thing === undefined) throw new TypeError("rules.proto has no Rules or no Thing");
  return { service, thing };
}

/** The service test.rules.Rules, and the request message of its methods. */
export const { service, thing } = compile();

/** Each handler answers with its name, its request and a fixed list. */
export const echoes: ServiceImplSpec = {
  service,
  methods: Object.fromEntries(
    service.methods
      .filter(isUnary)
      .map((method) => [
        method.localName,
        createMethodImplSpec(method, (request) => ({ method: method.name, thing: request, names: ["a", "b"] })),
      ]),
  ),
};
