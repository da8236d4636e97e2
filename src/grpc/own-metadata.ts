// A caller's metadata as this package's copy of grpc-js takes it: that asks whose class it is. Knows no call.

import type { IncomingHttpHeaders } from "node:http2";
import { Metadata } from "@grpc/grpc-js";

/** Metadata of grpc-js, of whichever copy. */
export type AnyMetadata = Pick<Metadata, "toHttp2Headers" | "getOptions">;

/** The same, of this copy. */
export function ownMetadata(metadata: AnyMetadata): Metadata {
  if (metadata instanceof Metadata) return metadata;
  const headers: IncomingHttpHeaders = {};
  for (const [name, values] of Object.entries(metadata.toHttp2Headers())) {
    headers[name] = Array.isArray(values) ? values.map(String) : String(values);
  }
  const own = Metadata.fromHttp2Headers(headers);
  own.setOptions(metadata.getOptions());
  return own;
}
