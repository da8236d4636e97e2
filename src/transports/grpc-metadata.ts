// gRPC metadata as the headers that all transports know, and back. Knows grpc-js, and no service.

import * as grpc from "@grpc/grpc-js";
import type { ReadHeader } from "./caller.ts";
import type { HeaderField } from "./http.ts";

const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

/** A call's headers as the Fetch standard has them: binary ones as gRPC sends them; what cannot be a header's value is left out. */
export function fetchHeadersOf(metadata: grpc.Metadata): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value !== "string") headers.set(name, value.toString("base64"));
    else if (HEADER_VALUE.test(value)) headers.set(name, value);
  }
  return headers;
}

/** Headers as metadata. */
export function metadataOf(headers: Iterable<HeaderField>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of headers) {
    metadata.add(name, name.toLowerCase().endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

/** Reads a call's headers, each line of which is a value of its own or several joined already. */
export function metadataReader(metadata: grpc.Metadata): ReadHeader {
  return (name) => (metadata.get(name).length > 0 ? metadata.get(name).join(",") : undefined);
}

/** The host of a peer as grpc-js writes it: `address:port`, IPv6 in brackets or not. */
export function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}
