// The files of examples/proxies with names of hosts that exist here in place of theirs: nothing else of them is changed.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const EXAMPLES = join(import.meta.dirname, "../../examples/proxies");

/** Where things are, in place of where an example has them. */
export interface Places {
  /** Where the proxy listens, on 127.0.0.1. */
  readonly port: number;
  /** Host and port of the gateway's public listener. */
  readonly gateway: string;
  /** Host and port of the service behind. */
  readonly service: string;
  /** The folder of HAProxy's keys. */
  readonly keys: string;
  /** A file of authorities in PEM that the gateway's certificate is of, where it speaks TLS. */
  readonly gatewayCa: string;
}

/** Lines that an example has as comments, by what the comment before them says. */
export type Option = "wants no token" | "preflight" | "the gateway speaks TLS";

type Replacement = readonly [name: string, by: (places: Places) => string];

const GATEWAY: Replacement = ["gateway.internal:8080", ({ gateway }) => gateway];
const SERVICE: Replacement = ["service.internal:3000", ({ service }) => service];

/** What is not the same here, by example. */
const REPLACEMENTS: Readonly<Record<string, readonly Replacement[]>> = {
  "nginx.conf": [["listen 8000;", ({ port }) => `listen 127.0.0.1:${port};`], GATEWAY, SERVICE],
  "haproxy.cfg": [
    ["bind :8000", ({ port }) => `bind 127.0.0.1:${port}`],
    ["/etc/haproxy/countersign", ({ keys }) => keys],
    SERVICE,
  ],
  Caddyfile: [[":8000 {", ({ port }) => `http://127.0.0.1:${port} {`], GATEWAY, SERVICE],
};

/** What is not the same in lines that were comments. */
const OPTION_REPLACEMENTS: Readonly<Record<string, readonly Replacement[]>> = {
  // The test's certificate has no name of a host: nginx goes by its CN then, and Caddy by its address.
  "nginx.conf": [
    ["/etc/nginx/gateway-ca.pem", ({ gatewayCa }) => gatewayCa],
    ["gateway.internal;", () => "server;"],
  ],
  Caddyfile: [
    ["/etc/caddy/gateway-ca.pem", ({ gatewayCa }) => gatewayCa],
    ["tls_server_name gateway.internal", () => "tls_server_name 127.0.0.1"],
  ],
};

/** Reads an example, with some of its options chosen. @throws TypeError where it does not say what is to be replaced or chosen */
export function readExample(name: string, places: Places, options: readonly Option[] = []): string {
  const lines = readFileSync(join(EXAMPLES, name), "utf8").split("\n");
  const chosen = options.reduce(choose, lines);
  const replaced = (REPLACEMENTS[name] ?? []).reduce((before, [from, by]) => {
    const after = replaceIn(before, from, by(places));
    if (after.join() === before.join()) throw new TypeError(`${name} does not say ${from}`);
    return after;
  }, chosen);
  const optional = (OPTION_REPLACEMENTS[name] ?? []).reduce(
    (before, [from, by]) => replaceIn(before, from, by(places)),
    replaced,
  );
  return optional.join("\n");
}

function replaceIn(lines: readonly string[], from: string, to: string): readonly string[] {
  return lines.map((line) => (isComment(line) ? line : line.replaceAll(from, to)));
}

/** As a reader does it: the comment's indented lines are none any more, and take the place of the line that it names. */
function choose(lines: readonly string[], option: Option): readonly string[] {
  const comment = lines.findIndex((line) => isComment(line) && line.includes(option));
  const start = comment + lines.slice(comment).findIndex((line) => OPTIONAL.test(line));
  if (comment < 0 || start < comment) throw new TypeError(`there is no comment with lines for this: ${option}`);
  const length = lines.slice(start).findIndex((line) => !OPTIONAL.test(line));
  const replaced = /in place of (\w+) above/.exec(lines[comment] ?? "")?.[1];
  const dropped = lines.findLastIndex((line, index) => index < comment && line.trimStart().startsWith(`${replaced} `));
  return lines
    .map((line, index) => (index >= start && index < start + length ? line.replace(OPTIONAL, "$1") : line))
    .filter((_, index) => index !== dropped);
}

const OPTIONAL = /^(\s*)# {3}/;

function isComment(line: string): boolean {
  return /^\s*#/.test(line);
}
