// The dashboard's files, from memory, under a strict Content-Security-Policy.

import { readdirSync, readFileSync } from "node:fs";
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
  const names = listFiles(folder);
  if (!names.includes("index.html")) return { "/": NOT_BUILT };
  const routes = names.map((name): [string, Endpoint] => [
    name === "index.html" ? "/" : `/${name}`,
    serveFile(readFileSync(join(folder, name)), name),
  ]);
  return Object.fromEntries(routes);
}

const NOT_BUILT = document(() => ({
  status: 503,
  contentType: "text/plain; charset=utf-8",
  body: "The dashboard is not built. In a checkout run: npm ci (without NODE_ENV=production), or npm run build:dashboard\n",
}));

function listFiles(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && Object.hasOwn(MEDIA_TYPES, extname(entry.name)));
    return files.map(({ parentPath, name }) =>
      join(parentPath, name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    );
  } catch {
    return [];
  }
}

function serveFile(content: Buffer, name: string): Endpoint {
  const contentType = MEDIA_TYPES[extname(name)] ?? "application/octet-stream";
  let compressed: Buffer | undefined;
  return {
    method: "GET",
    answer({ header }): EndpointAnswer {
      const shared = { contentType, ...(name.startsWith("assets/") && { maxAge: HASHED_MAX_AGE }) };
      if (!/\bgzip\b/.test(header("accept-encoding") ?? "")) return { ...shared, headers: HEADERS, body: content };
      compressed ??= gzipSync(content, { level: 9 });
      return { ...shared, headers: [...HEADERS, ["Content-Encoding", "gzip"]], body: compressed };
    },
  };
}
