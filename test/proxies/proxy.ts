// Runs nginx, HAProxy, Caddy and Apache with their example configurations, each on a free port and in its own folder.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { type Option, type Places, readExample } from "./example.ts";

export interface RunningProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** A proxy that runs in the foreground with all of its files in one folder. */
export interface ProxyProgram {
  readonly example: string;
  /** The example's optional lines to switch on. */
  readonly options?: readonly Option[];
  readonly command: (folder: string) => readonly [string, ...string[]];
  /** Its whole configuration, with the example in it. */
  readonly configure: (example: string, folder: string) => string;
}

const CONFIGURATION = "configuration";

/** The example is one site; Debian's nginx.conf has the rest. */
export const NGINX: ProxyProgram = {
  example: "nginx.conf",
  command: (folder) => ["nginx", "-p", folder, "-e", "stderr", "-c", join(folder, CONFIGURATION)],
  configure(example, folder) {
    const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${join(folder, name)};`,
    );
    return `daemon off; master_process off; pid ${join(folder, "pid")}; error_log stderr;
      events {} http { access_log off; ${own.join(" ")}
      ${example} }`;
  },
};

export const HAPROXY: ProxyProgram = {
  example: "haproxy.cfg",
  command: (folder) => ["haproxy", "-db", "-f", join(folder, CONFIGURATION)],
  // Root alone may become another user.
  configure: (example) =>
    process.getuid?.() === 0 ? example : example.replace(/^ {4}(?:user|group|chroot) .*$/gm, ""),
};

export const CADDY: ProxyProgram = {
  example: "Caddyfile",
  command: (folder) => ["caddy", "run", "--adapter", "caddyfile", "--config", join(folder, CONFIGURATION)],
  // Global options come first.
  configure: (example) => example.replace(/^\{$/m, "{\n\tadmin off"),
};

/** The example is one site; these are the modules that Debian has on, and those that its head names. */
export const APACHE: ProxyProgram = {
  example: "apache.conf",
  command: (folder) => ["apache2", "-X", "-f", join(folder, CONFIGURATION)],
  configure(example, folder) {
    const modules = [
      "mpm_event",
      "authn_core",
      "authz_core",
      "authz_user",
      "auth_openidc",
      "headers",
      "proxy",
      "proxy_http",
    ];
    const loaded = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    // Root's children become another user.
    const user = process.getuid?.() === 0 ? "User www-data\nGroup www-data" : "";
    return `ServerRoot ${folder}\nServerName 127.0.0.1\nPidFile ${join(folder, "pid")}\nErrorLog ${join(folder, "log")}
${user}\n${loaded.join("\n")}\n${example}`;
  },
};

const running = new Set<ChildProcess>();
// A test process that ends early ends its proxies.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a proxy. Resolves once it accepts connections. */
export function startProxy(program: ProxyProgram, places: Omit<Places, "port">): Promise<RunningProxy> {
  return startProgram(program, (port) => readExample(program.example, { ...places, port }, program.options));
}

/** Starts a proxy with the configuration for a port that `read` gives. Resolves once it accepts connections. */
export async function startProgram(program: ProxyProgram, read: (port: number) => string): Promise<RunningProxy> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const proxy = await tryPort(program, read, await freePort());
    if (typeof proxy !== "string") return proxy;
    if (!/in use/i.test(proxy)) throw new Error(`${program.example}: ${proxy}`);
  }
  throw new Error(`${program.example}: every port was in use`);
}

/** Starts a proxy on a port. @returns its log when it ended at once */
async function tryPort(
  program: ProxyProgram,
  read: (port: number) => string,
  port: number,
): Promise<RunningProxy | string> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-proxy-"));
  writeFileSync(join(folder, CONFIGURATION), program.configure(read(port), folder));
  const [command, ...args] = program.command(folder);
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    // Debian keeps servers in /usr/sbin.
    env: { PATH: `${process.env["PATH"]}:/usr/sbin`, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  running.add(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      log += String(chunk);
    });
  }
  const gone = once(child, "close").finally(() => {
    running.delete(child);
    rmSync(folder, { recursive: true, force: true });
  });
  gone.catch(() => {});
  while (running.has(child)) {
    if (await accepts(port)) {
      return {
        url: `http://127.0.0.1:${port}`,
        async close() {
          child.kill("SIGKILL");
          await gone;
        },
      };
    }
    await pause(10);
  }
  return log;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
