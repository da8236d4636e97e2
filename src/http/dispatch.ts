// Picks the protocol or endpoint that answers an exchange.

import { isIPv4, isIPv6 } from "node:net";
import { AuthError } from "../core/errors.ts";
import { answerCall, type CallOptions, methodPath, type Protocol, unaryMethods } from "../protocols/call.ts";
import { createConnect } from "../protocols/connect.ts";
import { type Exchange, pathOf } from "../protocols/exchange.ts";
import { createGrpc } from "../protocols/grpc.ts";
import { createGrpcWeb } from "../protocols/grpc-web.ts";
import { createRest } from "../protocols/rest.ts";
import { createStreaming } from "../protocols/streaming.ts";
import type { Serve } from "./connection.ts";
import { type CorsOrigins, shareWithPage } from "./cors.ts";
import { answerEndpoint, createFindEndpoint, type Endpoints } from "./endpoints.ts";

export interface DispatchOptions extends CallOptions {
  readonly endpoints: Endpoints;
  /** Whether the listener answers to a host name; absent: to any. */
  readonly isOwnHost?: (host: string | undefined) => boolean;
  /** Origins whose pages may call the services and read documents; absent: none. */
  readonly corsOrigins?: CorsOrigins;
  /** Called with a bug that left an exchange without an answer. */
  readonly onFault: (error: unknown) => void;
}

const MISDIRECTED = "this listener does not answer to this host name. Add it to COUNTERSIGN_INTERNAL_HOSTS";

/** One handler for a listener. */
export function createDispatch({ endpoints, isOwnHost, corsOrigins, onFault, ...options }: DispatchOptions): Serve {
  const methods = new Map(unaryMethods(options.services).map((method) => [methodPath(method.desc), method]));
  const rest = createRest(options);
  const connect = createConnect(methods);
  const grpcWeb = createGrpcWeb(methods);
  const grpc = createGrpc(methods);
  const streaming = createStreaming(options);
  const findEndpoint = createFindEndpoint(endpoints);

  const protocolOf = ({ headers }: Exchange, path: string): Protocol => {
    const contentType = headers["content-type"]?.toLowerCase() ?? "";
    if (contentType.startsWith("application/grpc-web")) return grpcWeb;
    if (contentType.startsWith("application/grpc")) return grpc;
    return methods.has(path) || streaming.paths.includes(path) ? connect : rest;
  };

  function answer(exchange: Exchange): Promise<void> | undefined {
    const path = pathOf(exchange);
    const endpoint = findEndpoint(path);
    const readers = endpoint === undefined ? "allowed" : endpoint.readers;
    if (corsOrigins !== undefined && shareWithPage(exchange, readers, corsOrigins)) return undefined;
    // A proxy asks `/auth/check` with the Content-Type of the request that it checks.
    const protocol = endpoint === undefined ? protocolOf(exchange, path) : rest;
    // HTTP/2 names the host in a pseudo-header, which goes before Host (RFC 9113, 8.3.1).
    const { ":authority": host = exchange.headers.host } = exchange.headers;
    const isStreaming = streaming.paths.includes(path);
    const isForeign = isOwnHost?.(host?.toString()) === false;
    const misdirected = isForeign ? new AuthError("misdirected", MISDIRECTED) : undefined;
    const error = misdirected ?? (isStreaming ? streaming.check(exchange) : undefined);
    if (error !== undefined) {
      options.onError(error, options.callerFrom(exchange, protocol.name));
      protocol.writeError(exchange, error, undefined);
      return undefined;
    }
    if (isStreaming) return streaming.answer(exchange);
    if (endpoint !== undefined) return answerEndpoint(exchange, endpoint, options);
    return answerCall(exchange, protocol, options);
  }

  return async (exchange) => {
    try {
      await answer(exchange);
    } catch (error) {
      onFault(error);
      exchange.abort();
    }
  };
}

/** An address in brackets or a name, a trailing dot, and a port (RFC 9110, 7.2). */
const HOST = /^(?:\[([^[\]]+)\]|([^[\]:]*[^[\]:.]))\.?(?::\d{0,5})?$/;

/** Names, in lower case, that resolve to loopback only (RFC 6761, 6.3). */
const LOCAL = /^(?:[\w-]+\.)*localhost$/;

/**
 * Checks the host name of a request, against DNS rebinding: a rebinding page sends the name of its own domain. IP addresses,
 * localhost and a missing Host are accepted.
 * @param names in lower case, without a trailing dot
 */
export function createHostCheck(listenHost: string, names: readonly string[]): (host: string | undefined) => boolean {
  const accepted = new Set([listenHost.toLowerCase(), ...names]);
  return (host) => {
    if (host === undefined) return true;
    const [, ipv6 = "", name = ""] = HOST.exec(host.toLowerCase()) ?? [];
    return accepted.has(name) || isIPv4(name) || isIPv6(ipv6) || LOCAL.test(name);
  };
}
