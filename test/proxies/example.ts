// Reads the configurations in examples/proxies, with the hosts, ports and paths of a test.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const EXAMPLES = join(import.meta.dirname, "../../examples/proxies");

/** Addresses and paths that replace those of an example. */
export interface Places {
  /** The proxy's port on 127.0.0.1. */
  readonly port: number;
  /** Host and port of the gateway's public listener; of its internal one for Apache. */
  readonly gateway: string;
  /** Host and port of the service. */
  readonly service: string;
  /** The folder of HAProxy's key files. */
  readonly keys: string;
  /** A PEM file with the authority of the gateway's certificate, when it speaks TLS. */
  readonly gatewayCa: string;
}

/** Lines that an example has commented out, named by a phrase of the comment before them. */
export type Option = "wants no token" | "preflight" | "the gateway speaks TLS";

/** Reads an example with some optional lines switched on. @throws TypeError when an option is missing */
export function readExample(name: string, places: Places, options: readonly Option[] = []): string {
  const { port, gateway, service, keys, gatewayCa } = places;
  const replacements = [
    ["listen 8000;", `listen 127.0.0.1:${port};`],
    ["bind :8000", `bind 127.0.0.1:${port}`],
    [":8000 {", `http://127.0.0.1:${port} {`],
    ["Listen 8000", `Listen 127.0.0.1:${port}`],
    ["<VirtualHost *:8000>", `<VirtualHost 127.0.0.1:${port}>`],
    ["gateway.internal:8080", gateway],
    ["gateway.internal:9090", gateway],
    ["service.internal:3000", service],
    ["/etc/haproxy/countersign", keys],
    ["/etc/nginx/gateway-ca.pem", gatewayCa],
    ["/etc/caddy/gateway-ca.pem", gatewayCa],
    // The test's certificate names no host: nginx checks its CN then, and Caddy its address.
    ["proxy_ssl_name gateway.internal;", "proxy_ssl_name server;"],
    ["tls_server_name gateway.internal", "tls_server_name 127.0.0.1"],
  ] as const;
  const lines = options.reduce(switchOn, readFileSync(join(EXAMPLES, name), "utf8").split("\n"));
  return replacements.reduce((text, [from, to]) => text.replaceAll(from, to), lines.join("\n"));
}

const OPTIONAL = /^(\s*)# {3}/;

/** Switches optional lines on, in place of the line that their comment names. */
function switchOn(lines: readonly string[], option: Option): string[] {
  const comment = lines.findIndex((line) => /^\s*#/.test(line) && line.includes(option));
  const start = comment + lines.slice(comment).findIndex((line) => OPTIONAL.test(line));
  if (comment < 0 || start < comment) throw new TypeError(`there are no optional lines for: ${option}`);
  const length = lines.slice(start).findIndex((line) => !OPTIONAL.test(line));
  const replaced = /in place of (\w+) above/.exec(lines[comment] ?? "")?.[1];
  const dropped = lines.findLastIndex((line, index) => index < comment && line.trimStart().startsWith(`${replaced} `));
  return lines
    .map((line, index) => (index >= start && index < start + length ? line.replace(OPTIONAL, "$1") : line))
    .filter((_, index) => index !== dropped);
}
