// Real proxies for tests, each by its example, on a free port and in a folder of its own. Knows their programs, and no test.

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
  /** What it wrote so far. */
  readonly log: () => string;
  close(): Promise<void>;
}

/** A program, and how it is told to stay in the foreground, with all of its files in one folder. */
export interface ProxyProgram {
  readonly example: string;
  /** Which of the example's optional lines are chosen. */
  readonly options?: readonly Option[];
  readonly command: (folder: string) => readonly [string, ...string[]];
  /** Its whole configuration, around the example. */
  readonly configure: (example: string, folder: string) => string;
}

const CONFIGURATION = "configuration";

/** The example is a site; Debian's nginx.conf has the rest. */
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
  configure: (example) => example,
};

export const CADDY: ProxyProgram = {
  example: "Caddyfile",
  command: (folder) => ["caddy", "run", "--adapter", "caddyfile", "--config", join(folder, CONFIGURATION)],
  // Its options come first.
  configure: (example) => example.replace(/^\{$/m, "{\n\tadmin off"),
};

const running = new Set<ChildProcess>();
// A test process that dies leaves no proxy behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a proxy; resolves once it accepts connections. `close` it when the test ends. */
export async function startProxy(program: ProxyProgram, places: Omit<Places, "port">): Promise<RunningProxy> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const proxy = await tryPort(program, { ...places, port: await freePort() });
    if (typeof proxy !== "string") return proxy;
    if (!/in use/i.test(proxy)) throw new Error(`${program.example}: ${proxy}`);
  }
  throw new Error(`${program.example}: its port was taken again and again`);
}

/** @returns what it wrote, where it ended instead */
async function tryPort(program: ProxyProgram, places: Places): Promise<RunningProxy | string> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-proxy-"));
  const example = readExample(program.example, places, program.options);
  writeFileSync(join(folder, CONFIGURATION), program.configure(example, folder));
  const [command, ...args] = program.command(folder);
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      // Where Debian has servers, which is not on everybody's path.
      PATH: `${process.env["PATH"]}:/usr/sbin`,
      HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
    },
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
    if (await accepts(places.port)) {
      return {
        url: `http://127.0.0.1:${places.port}`,
        log: () => log,
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
