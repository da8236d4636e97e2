// Runs nginx, HAProxy, Caddy and Apache with their example configurations, each on a free port and in its own folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { adopt, isRunning } from "../children.ts";
import { freePort } from "../free-port.ts";

/** Lines that an example has commented out, named by a phrase of the comment before them. */
export type Option = "needs no token" | "preflight" | "the gateway speaks TLS";

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
  /** Makes the whole configuration from the example. */
  readonly configure: (example: string, folder: string) => string;
}

const CONFIGURATION = "configuration";

/** nginx: the example is one site, in a configuration like Debian's. */
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
  // Only root can change the user.
  configure: (example) =>
    process.getuid?.() === 0 ? example : example.replace(/^ {4}(?:user|group|chroot) .*$/gm, ""),
};

export const CADDY: ProxyProgram = {
  example: "Caddyfile",
  command: (folder) => ["caddy", "run", "--adapter", "caddyfile", "--config", join(folder, CONFIGURATION)],
  // Global options come first.
  configure: (example) => example.replace(/^\{$/m, "{\n\tadmin off"),
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

/** Starts a proxy with the configuration that `read` makes for a free port. Resolves once it accepts connections. @throws Error with its log */
export async function startProgram(program: ProxyProgram, read: (port: number) => string): Promise<RunningProxy> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "countersign-proxy-"));
  writeFileSync(join(folder, CONFIGURATION), program.configure(read(port), folder));
  const [command, ...args] = program.command(folder);
  // Debian keeps servers in /usr/sbin.
  const path = `${process.env["PATH"]}:/usr/sbin`;
  const env = { PATH: path, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = adopt(spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env }));
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      log += String(chunk);
    });
  }
  const gone = once(child, "close").finally(() => rmSync(folder, { recursive: true, force: true }));
  gone.catch(() => {});
  while (isRunning(child)) {
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
  throw new Error(`${program.example}: ${log}`);
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
