// The dashboard's files, from memory, under a strict Content-Security-Policy.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { HeaderField } from "../protocols/exchange.ts";
import { document } from "./documents.ts";
import type { Endpoint, EndpointAnswer, Endpoints } from "./endpoints.ts";

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** No inline script or style, no request to anywhere else, no frame around the page. */
const HEADERS: readonly HeaderField[] = [
  [
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
  ["Vary", "Accept-Encoding"],
];

/** Names below assets/ have a hash of the content in them. */
const HASHED_MAX_AGE = 31_536_000;

/** Serves the files of a folder, index.html at `/`. Without index.html, `/` says how to build it. */
export function staticFiles(folder: string): Endpoints {
  if (!existsSync(join(folder, "index.html"))) return { "/": NOT_BUILT };
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const routes = names.flatMap((name): [string, Endpoint][] => {
    const contentType = MEDIA_TYPES[extname(name)];
    const path = name === "index.html" ? "/" : `/${name.replaceAll("\\", "/")}`;
    return contentType === undefined ? [] : [[path, serveFile(join(folder, name), contentType, path)]];
  });
  return Object.fromEntries(routes);
}

const NOT_BUILT = document(() => ({
  status: 503,
  contentType: "text/plain; charset=utf-8",
  body: "The dashboard is not built. In a checkout run: npm ci (without NODE_ENV=production), or npm run build:dashboard\n",
}));

function serveFile(file: string, contentType: string, path: string): Endpoint {
  const content = readFileSync(file);
  let compressed: Buffer | undefined;
  const shared = { contentType, ...(path.startsWith("/assets/") && { maxAge: HASHED_MAX_AGE }) };
  return document(({ header }): EndpointAnswer => {
    if (!/\bgzip\b/.test(header("accept-encoding") ?? "")) return { ...shared, headers: HEADERS, body: content };
    compressed ??= gzipSync(content, { level: 9 });
    return { ...shared, headers: [...HEADERS, ["Content-Encoding", "gzip"]], body: compressed };
  });
}
