// Runs nginx, HAProxy and Caddy in front of two gateways, with the configurations of examples/balancers and TLS.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../http/openssl.ts";
import { CADDY, HAPROXY, NGINX, type ProxyProgram, startProgram } from "./proxy.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples/balancers");

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
  const read = (port: number): string => {
    const replacements = [
      ["gateway-1.internal:8080", gateways[0]],
      ["gateway-2.internal:8080", gateways[1]],
      ["bind :443", `bind 127.0.0.1:${port}`],
      ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
      ["login.example {", `https://127.0.0.1:${port} {\n\ttls ${cert} ${key}`],
      ["/etc/haproxy/login.pem", pem],
      ["/etc/nginx/login.pem", cert],
      ["/etc/nginx/login.key", key],
    ] as const;
    const example = readFileSync(join(EXAMPLES, program.example), "utf8");
    return edit(replacements.reduce((text, [from, to]) => text.replaceAll(from, to), example));
  };
  const running = await startProgram(program, read);
  return { url: running.url.replace("http:", "https:"), ca, close: () => running.close() };
}
