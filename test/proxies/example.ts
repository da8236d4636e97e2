// Starts proxies and balancers as examples/ configures them, but with the hosts, ports and paths of a test.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../http/openssl.ts";
import { CADDY, HAPROXY, NGINX, type Option, type ProxyProgram, type RunningProxy, startProgram } from "./proxy.ts";

export const EXAMPLES = join(import.meta.dirname, "../../examples/proxies");
const BALANCERS = join(import.meta.dirname, "../../examples/balancers");

/** Addresses and paths that replace those of an example. */
export interface Places {
  /** Host and port of the gateway's public listener; of its internal one for Apache. */
  readonly gateway: string;
  /** Host and port of the service. */
  readonly service: string;
  /** The folder of HAProxy's key files. */
  readonly keys: string;
  /** A PEM file with the authority of the gateway's certificate, for a gateway with TLS. */
  readonly gatewayCa: string;
}

type Replacement = readonly [from: string, to: string];

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((replaced, [from, to]) => replaced.replaceAll(from, to), text);
}

/** Starts a proxy, with its optional lines switched on. Resolves once it accepts connections. @throws TypeError for an unknown option */
export function startProxy(program: ProxyProgram, places: Places): Promise<RunningProxy> {
  const { gateway, service, keys, gatewayCa } = places;
  const lines = readFileSync(join(EXAMPLES, program.example), "utf8").split("\n");
  const example = (program.options ?? []).reduce<readonly string[]>(switchOn, lines).join("\n");
  return startProgram(program, (port) =>
    replaceAll(example, [
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
      // The test's certificate has no host name: nginx checks its CN instead, and Caddy its address.
      ["proxy_ssl_name gateway.internal;", "proxy_ssl_name server;"],
      ["tls_server_name gateway.internal", "tls_server_name 127.0.0.1"],
    ]),
  );
}

const OPTIONAL = /^(\s*)# {3}/;

/** Enables optional lines, which replace the line that their comment names. */
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

export type BalancerName = "HAProxy" | "nginx" | "Caddy";

const PROGRAMS: Readonly<Record<BalancerName, ProxyProgram>> = {
  HAProxy: HAPROXY,
  nginx: NGINX,
  Caddy: { ...CADDY, configure: (example) => `{\n\tadmin off\n}\n${example}` },
};

export interface Balancer {
  /** An https origin. */
  readonly url: string;
  /** Its certificate, which is its own authority. */
  readonly ca: string;
  readonly close: () => Promise<void>;
}

/** Starts a balancer in front of two gateways, each a host and port. `folder` gets its certificate. */
export async function startBalancer(
  name: BalancerName,
  gateways: readonly [string, string],
  folder: string,
  edit: (text: string) => string = (text) => text,
): Promise<Balancer> {
  const { cert, key } = makeCertificate(folder, "login", "ecdsa");
  const ca = readFileSync(cert, "utf8");
  const pem = join(folder, "login.pem");
  writeFileSync(pem, `${ca}${readFileSync(key, "utf8")}`, { mode: 0o600 });
  const program = PROGRAMS[name];
  const example = readFileSync(join(BALANCERS, program.example), "utf8");
  const running = await startProgram(program, (port) => {
    const configuration = replaceAll(example, [
      ["gateway-1.internal:8080", gateways[0]],
      ["gateway-2.internal:8080", gateways[1]],
      ["bind :443", `bind 127.0.0.1:${port}`],
      ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
      ["login.example {", `https://127.0.0.1:${port} {\n\ttls ${cert} ${key}`],
      ["/etc/haproxy/login.pem", pem],
      ["/etc/nginx/login.pem", cert],
      ["/etc/nginx/login.key", key],
    ]);
    return edit(configuration);
  });
  return { url: running.url.replace("http:", "https:"), ca, close: () => running.close() };
}
