// Compiles rules.proto, and serves its methods by handlers that echo.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  fromBinary,
  fromJson,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createMethodImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import type { AuthError } from "../../src/core/errors.ts";
import type { Listener } from "../../src/http/listener.ts";
import { mount } from "./mount.ts";
import { isUnary } from "./route-rules.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = { version: "v2", modules: [{ path: "proto" }, { path: "test/protocols" }] };

function compile(): { service: DescService; thing: DescMessage } {
  const buf = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));
  const flags = ["--config", JSON.stringify(MODULES), "--path", "test/protocols/rules.proto", "--output", "-"];
  const files = fromBinary(FileDescriptorSetSchema, execFileSync(buf, ["build", ...flags], { cwd: ROOT }));
  const registry = createFileRegistry(files);
  const service = registry.getService("test.rules.Rules");
  const thing = registry.getMessage("test.rules.Thing");
  if (service === undefined || thing === undefined) throw new TypeError("rules.proto has both");
  return { service, thing };
}

/** The service test.rules.Rules, and the request message of its methods. */
export const { service, thing } = compile();

/** Each handler answers with its name and its request. */
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

/** An answer over REST: of a handler, or an error. */
export interface RestAnswer {
  readonly status: number;
  readonly method?: string;
  /** The request that the handler received, without its unset fields. */
  readonly thing?: JsonValue;
  readonly reason?: string;
  readonly field?: string;
  readonly message?: string;
}

export interface RuleServer extends Pick<Listener, "url" | "close"> {
  /** The errors of calls that reached no handler. */
  readonly errors: AuthError[];
  /** Sends a request over HTTP/1.1. A body that is not a string is sent as JSON. */
  ask(verb: string, path: string, body?: unknown): Promise<RestAnswer>;
}

export async function serveRules(): Promise<RuleServer> {
  const errors: AuthError[] = [];
  const { url, close } = await mount(echoes, { onError: (error) => errors.push(error) });
  return {
    url,
    close,
    errors,
    async ask(verb, path, body) {
      const response = await fetch(url + path, {
        method: verb,
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
        headers: { "Content-Type": "application/json" },
      });
      const { method, thing, reason, field, message } = JSON.parse(await response.text());
      if (response.status !== 200) return { status: response.status, reason, message, ...(field && { field }) };
      return { status: 200, method, thing: withoutDefaults(thing) };
    },
  };
}

/** The same Thing without unset fields, under the contract's names. */
function withoutDefaults(json: JsonValue): JsonValue {
  return toJson(thing, fromJson(thing, json), { useProtoFieldName: true });
}
