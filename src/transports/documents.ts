// Documents at fixed paths: keys, health, metrics. Knows HTTP's conditional requests, and no document.

import { LRUCache } from "lru-cache";
import { AuthError } from "../core/errors.ts";
import type { TransportOptions } from "./call.ts";
import { createCaller, headersOf } from "./caller.ts";
import { acceptsGzip, compressedEtag, compressGzip, isCompressible } from "./coding.ts";
import { internalError } from "./errors.ts";
import {
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  pathOf,
  send,
  sendRefusal,
} from "./http.ts";

export interface Document {
  readonly status?: number;
  readonly contentType: string;
  readonly body: string;
  /** A strong entity tag: conditional requests are answered 304. */
  readonly etag?: string;
  /** Seconds it may be kept; undefined: not at all. */
  readonly maxAge?: number;
}

/** What is at each path now. */
export type Documents = Readonly<Record<string, () => Document | Promise<Document>>>;

const COMPRESSED_KEPT = 4;

export interface DocumentTransport {
  readonly paths: readonly string[];
  readonly serves: (path: string) => boolean;
  readonly handle: HttpHandler;
}

/** Serves documents to GET and HEAD. */
export function createDocuments(
  documents: Documents,
  { callerFrom = createCaller, onRefused }: Pick<TransportOptions, "callerFrom" | "onRefused">,
): DocumentTransport {
  const paths = new Map(Object.entries(documents));
  const compressed = createCompressor();

  async function answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    try {
      const render = paths.get(pathOf(request));
      if (render === undefined) throw new AuthError("not_found", "there is nothing at this path on this listener");
      // RFC 9110, 9.3.7: what a path takes may be asked.
      if (request.method === "OPTIONS") {
        send(response, 200, [["Allow", "GET, HEAD, OPTIONS"]], "");
        return;
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw new AuthError("method_not_allowed", "this path takes GET only", { allow: ["GET", "HEAD", "OPTIONS"] });
      }
      await write(request, response, await render(), compressed);
    } catch (error) {
      const caller = callerFrom(request.socket.remoteAddress, "rest", headersOf(request));
      const refusal = error instanceof AuthError ? error : internalError(caller.requestId, error);
      onRefused(refusal, caller);
      sendRefusal(response, refusal);
    }
  }

  return {
    paths: [...paths.keys()],
    serves: (path) => paths.has(path),
    handle: answer,
  };
}

/** Compresses a body once for all who ask: a stranger's requests must not cost more than they cost the sender. */
function createCompressor(): (body: string) => Promise<Buffer> {
  const recent = new LRUCache<string, Promise<Buffer>>({ max: COMPRESSED_KEPT });
  return (body) => {
    const known = recent.get(body) ?? compressGzip(body);
    recent.set(body, known);
    return known;
  };
}

async function write(
  request: HttpRequest,
  response: HttpResponse,
  document: Document,
  compress: (body: string) => Promise<Buffer>,
): Promise<void> {
  const { status = 200, contentType, body, etag, maxAge } = document;
  const compressible = isCompressible(body);
  const compressed = compressible && acceptsGzip(request.headers["accept-encoding"]);
  // Strong tags tell the bytes: compressed ones have another.
  const tag = etag !== undefined && compressed ? compressedEtag(etag) : etag;
  const headers: HeaderField[] = [["Cache-Control", maxAge === undefined ? "no-store" : `max-age=${maxAge}`]];
  if (tag !== undefined) headers.push(["ETag", tag]);
  if (compressible) headers.push(["Vary", "Accept-Encoding"]);
  if (tag !== undefined && matches(request.headers["if-none-match"], tag)) {
    response.statusCode = 304;
    for (const [name, value] of headers) response.setHeader(name, value);
    response.end();
    return;
  }
  headers.push(["Content-Type", contentType]);
  if (compressed) headers.push(["Content-Encoding", "gzip"]);
  send(response, status, headers, compressed ? await compress(body) : body);
}

/** RFC 9110, 13.1.2: weak comparison against a list. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}
