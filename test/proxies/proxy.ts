// Runs the proxies and balancers of examples/ on a test's ports.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { makeCertificate } from "../http/openssl.ts";
import { adopt, isRunning } from "../program.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
/** The script that writes HAProxy's key files. */
export const KEYS_SCRIPT = join(EXAMPLES, "proxies/haproxy-keys.mjs");
const CONFIGURATION = "configuration";

/** A proxy that runs in the foreground with all of its files in one folder. */
export interface ProxyProgram {
  /** The name of its file in examples/proxies and examples/balancers. */
  readonly example: string;
  readonly command: (folder: string) => readonly [string, ...string[]];
  /** Makes the whole configuration from the example. */
  readonly configure: (example: string, folder: string) => string;
}

/** nginx: the example is one site, in a configuration like Debian's. */
export const NGINX: ProxyProgram = {
  example: "nginx.conf",
  command: (folder) => ["nginx", "-p", folder, "-e", "stderr", "-c", join(folder, CONFIGURATION)],
  configure(example, folder) {
    const names = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const own = names.map((name) => `${name}_temp_path ${join(folder, name)};`);
    return `daemon off; master_process off; pid ${join(folder, "pid")}; error_log stderr;
      events {} http { access_log off; ${own.join(" ")}
      ${example} }`;
  },
};

export const HAPROXY: ProxyProgram = {
  example: "haproxy.cfg",
  command: (folder) => ["haproxy", "-db", "-f", join(folder, CONFIGURATION)],
  // Only root can change the user.
  configure: (example) =>
    process.getuid?.() === 0 ? example : example.replace(/^ {4}(?:user|group|chroot) .*$/gm, ""),
};

export const CADDY: ProxyProgram = {
  example: "Caddyfile",
  command: (folder) => ["caddy", "run", "--adapter", "caddyfile", "--config", join(folder, CONFIGURATION)],
  // Global options come first, in one block.
  configure: (example) =>
    /^\{$/m.test(example) ? example.replace(/^\{$/m, "{\n\tadmin off") : `{\n\tadmin off\n}\n${example}`,
};

/** Apache: the example is one site, with Debian's default modules and those that the example names. */
export const APACHE: ProxyProgram = {
  example: "apache.conf",
  command: (folder) => ["apache2", "-X", "-f", join(folder, CONFIGURATION)],
  configure(example, folder) {
    const modules = "mpm_event authn_core authz_core authz_user auth_openidc headers proxy proxy_http".split(" ");
    const loaded = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    // Root's children become another user.
    const user = process.getuid?.() === 0 ? "User www-data\nGroup www-data" : "";
    return `ServerRoot ${folder}\nServerName 127.0.0.1\nPidFile ${join(folder, "pid")}\nErrorLog ${join(folder, "log")}
${user}\n${loaded.join("\n")}\n${example}`;
  },
};

/** Starts a program with the configuration that `write` makes for a free address. Resolves once it accepts connections. @throws Error with its log */
async function start({ example, command, configure }: ProxyProgram, write: (address: string) => string) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "countersign-proxy-"));
  writeFileSync(join(folder, CONFIGURATION), configure(write(`127.0.0.1:${port}`), folder));
  const [file, ...args] = command(folder);
  // Debian keeps servers in /usr/sbin.
  const path = `${process.env["PATH"]}:/usr/sbin`;
  const env = { PATH: path, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = adopt(spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env }));
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  const gone = once(child, "close").finally(() => rmSync(folder, { recursive: true, force: true }));
  gone.catch(() => {});
  async function close(): Promise<void> {
    child.kill("SIGKILL");
    await gone;
  }
  while (isRunning(child)) {
    if (await accepts(port)) return { port, close };
    await pause(10);
  }
  throw new Error(`${example}: ${log}`);
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const connected = once(socket, "connect").then(
    () => true,
    () => false,
  );
  return connected.finally(() => socket.destroy());
}

interface Places {
  /** Hosts and ports of the gateway's listener (for Apache the internal one) and of the service. */
  readonly gateway: string;
  readonly service: string;
  /** The folder of HAProxy's key files, and a PEM file with the authority of the gateway's certificate. */
  readonly keys: string;
  readonly gatewayCa: string;
}

/** Starts a proxy between a gateway and a service, with the optional lines of its example that `options` name. */
export async function startProxy(program: ProxyProgram, options: readonly string[], places: Places) {
  const lines = readFileSync(join(EXAMPLES, "proxies", program.example), "utf8").split("\n");
  const example = options.reduce<readonly string[]>(switchOn, lines).join("\n");
  const { port, close } = await start(program, (address) =>
    example
      .replace(":8000 {", `http://${address} {`)
      .replace(/\*?:?\b8000\b/g, address)
      .replace(/gateway\.internal:\d+/g, places.gateway)
      .replaceAll("service.internal:3000", places.service)
      .replaceAll("/etc/haproxy/countersign", places.keys)
      .replace(/\/etc\/\w+\/gateway-ca\.pem/g, places.gatewayCa)
      // The test's certificate has no host name: nginx checks its CN instead, and Caddy its address.
      .replace("proxy_ssl_name gateway.internal;", "proxy_ssl_name server;")
      .replace("tls_server_name gateway.internal", "tls_server_name 127.0.0.1"),
  );
  return { url: `http://127.0.0.1:${port}`, close };
}

const OPTIONAL = /^(\s*)# {3}/;

/** Enables the lines that an example has commented out below a comment with a phrase. They replace the line that the comment names. */
function switchOn(lines: readonly string[], phrase: string): string[] {
  const comment = lines.findIndex((line) => /^\s*#/.test(line) && line.includes(phrase));
  const start = lines.findIndex((line, at) => at > comment && OPTIONAL.test(line));
  const end = lines.findIndex((line, at) => at > start && !OPTIONAL.test(line));
  if (comment < 0 || start < 0) throw new TypeError(`there are no optional lines for: ${phrase}`);
  const replaced = /in place of (\w+) above/.exec(lines[comment] ?? "")?.[1];
  const dropped = lines.findLastIndex((line, at) => at < comment && line.trimStart().startsWith(`${replaced} `));
  const enabled = lines.map((line, at) => (at >= start && at < end ? line.replace(OPTIONAL, "$1") : line));
  return enabled.filter((_, at) => at !== dropped);
}

export type BalancerName = "HAProxy" | "nginx" | "Caddy";
const BALANCERS: Readonly<Record<BalancerName, ProxyProgram>> = { HAProxy: HAPROXY, nginx: NGINX, Caddy: CADDY };

export type Balancer = Awaited<ReturnType<typeof startBalancer>>;

/**
 * Starts a balancer in front of two gateways, each a host and port. `folder` gets its certificate. @returns its https origin, its
 * certificate, which is its own authority, and a function that stops it
 */
export async function startBalancer(
  name: BalancerName,
  gateways: readonly [string, string],
  folder: string,
  edit: (text: string) => string = (text) => text,
) {
  const { cert, key } = makeCertificate(folder, "login", "ecdsa");
  const ca = readFileSync(cert, "utf8");
  const pem = join(folder, "login.pem");
  writeFileSync(pem, `${ca}${readFileSync(key, "utf8")}`, { mode: 0o600 });
  const program = BALANCERS[name];
  const example = readFileSync(join(EXAMPLES, "balancers", program.example), "utf8");
  const { port, close } = await start(program, (address) =>
    edit(
      example
        .replaceAll("gateway-1.internal:8080", gateways[0])
        .replaceAll("gateway-2.internal:8080", gateways[1])
        .replace(/(bind |listen ):?443\b/g, `$1${address}`)
        .replace("login.example {", `https://${address} {\n\ttls ${cert} ${key}`)
        .replaceAll("/etc/haproxy/login.pem", pem)
        .replaceAll("/etc/nginx/login.pem", cert)
        .replaceAll("/etc/nginx/login.key", key),
    ),
  );
  return { url: `https://127.0.0.1:${port}`, ca, close };
}
