// How messages are written: protobuf's binary encoding and its JSON.

import { type DescMessage, type MessageShape, toBinary, toJson } from "@bufbuild/protobuf";
import { parseJson } from "./json.ts";
import { readBinary, readMessage, registryOf } from "./message.ts";

export interface Codec {
  /** As media types name it: `application/json`, `application/grpc+json`. */
  readonly name: "json" | "proto";
  /** @throws AuthError `malformed` */
  readonly read: <Desc extends DescMessage>(desc: Desc, bytes: Uint8Array) => MessageShape<Desc>;
  readonly write: <Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>) => string | Uint8Array;
}

export const JSON_CODEC: Codec = {
  name: "json",
  read: (desc, bytes) => readMessage(desc, parseJson(bytes)),
  write: (desc, message) => JSON.stringify(toJson(desc, message, { registry: registryOf(desc) })),
};

export const PROTO_CODEC: Codec = {
  name: "proto",
  read: readBinary,
  write: (desc, message) => toBinary(desc, message),
};
