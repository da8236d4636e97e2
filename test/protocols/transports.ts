// Connect's own clients, one for each protocol of a listener.

import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";

export interface ClientOptions {
  /** Compresses requests by gzip. */
  readonly isCompressed?: boolean;
  readonly interceptors?: Interceptor[];
}

export type CreateTransport = (url: string, options?: ClientOptions) => Transport;

/** By name: a protocol, an encoding, and a version of HTTP. */
export const transports: Readonly<Record<string, CreateTransport>> = {
  "Connect with JSON over HTTP/1.1": (url, options) =>
    createConnectTransport({ ...settings(url, options), httpVersion: "1.1", useBinaryFormat: false }),
  "Connect with protobuf over HTTP/2": (url, options) =>
    createConnectTransport({ ...settings(url, options), httpVersion: "2", useBinaryFormat: true }),
  "gRPC-Web over HTTP/1.1": (url, options) => createGrpcWebTransport({ ...settings(url, options), httpVersion: "1.1" }),
  "gRPC-Web over HTTP/2": (url, options) => createGrpcWebTransport({ ...settings(url, options), httpVersion: "2" }),
  gRPC: (url, options) => createGrpcTransport(settings(url, options)),
};

function settings(baseUrl: string, { isCompressed = false, interceptors = [] }: ClientOptions = {}) {
  return {
    baseUrl,
    interceptors,
    ...(isCompressed && { sendCompression: compressionGzip, compressMinBytes: 1 }),
  };
}
