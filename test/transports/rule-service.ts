// The service of rules.proto, compiled by buf: its descriptors, handlers that echo, and a listener that serves them.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createMethodImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import type { AuthError } from "../../src/core/errors.ts";
import { createHttp2 } from "../../src/transports/http2.ts";
import { readJson } from "../../src/transports/json.ts";
import { type Listener, listen } from "../../src/transports/listener.ts";
import { readMessage, registryOf } from "../../src/transports/message.ts";
import { type Draft, findLeaf, readQuery, setLeaf } from "../../src/transports/query.ts";
import { createRest } from "../../src/transports/rest.ts";
import { isUnary } from "./route-rules.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = { version: "v2", modules: [{ path: "proto" }, { path: "test/transports" }] };

function compile(): { service: DescService; thing: DescMessage } {
  const buf = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));
  const flags = ["--config", JSON.stringify(MODULES), "--path", "test/transports/rules.proto", "--output", "-"];
  const files = fromBinary(FileDescriptorSetSchema, execFileSync(buf, ["build", ...flags], { cwd: ROOT }));
  const registry = createFileRegistry(files);
  const service = registry.getService("test.rules.Rules");
  const thing = registry.getMessage("test.rules.Thing");
  if (service === undefined || thing === undefined) throw new TypeError("rules.proto has both");
  return { service, thing };
}

/** `service` is test.rules.Rules, and `thing` what each of its methods takes. */
export const { service, thing } = compile();

/** Each handler answers with its own name and with what it was sent. */
const echoes: ServiceImplSpec = {
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

/** What came back: the answer of a handler, or what is told of a refusal. */
export interface Heard {
  readonly status: number;
  readonly method?: string;
  /** What the handler was sent, without what is not set. */
  readonly thing?: JsonValue;
  readonly reason?: string;
  readonly field?: string;
  readonly message?: string;
}

export interface RuleServer extends Pick<Listener, "url" | "close"> {
  /** What was refused without a handler, since it was last forgotten. */
  readonly refused: readonly AuthError[];
  forget(): void;
  /** Sends a request over HTTP/1.1; a body that is no string is sent as JSON. */
  ask(verb: string, path: string, body?: unknown): Promise<Heard>;
}

export async function serveRules(): Promise<RuleServer> {
  const refused: AuthError[] = [];
  const { handle } = createRest({
    services: [{ spec: echoes }],
    onRefused: (error) => refused.push(error),
  });
  const http2 = createHttp2(handle);
  const { url, close } = await listen({ host: "127.0.0.1", port: 0, handle, http2, onFault: () => {} });
  return {
    url,
    close,
    refused,
    forget() {
      refused.length = 0;
    },
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

const registry = registryOf(thing);

/** A Thing in JSON without the fields that are not set, under the names of the contract. */
function writeThing(message: MessageShape<DescMessage>): JsonValue {
  return toJson(thing, message, { useProtoFieldName: true, registry });
}

function withoutDefaults(json: JsonValue): JsonValue {
  return writeThing(fromJson(thing, json, { registry }));
}

/** The Thing that a JSON text makes, in JSON under the contract's names. */
export function thingFrom(text: string): JsonValue {
  return writeThing(readMessage(thing, readJson(Buffer.from(text))));
}

/** The Thing that a query string makes when nothing else is sent, in JSON under the contract's names. */
export function thingOf(query: string): JsonValue {
  const draft: Draft = {};
  for (const [name, values] of readQuery(query)) {
    const leaf = findLeaf(thing, name);
    if (leaf !== undefined) setLeaf(draft, leaf, values);
  }
  return writeThing(readMessage(thing, draft));
}
