// How often each proof reached Redis: a command that is sent twice shows here. Knows MONITOR alone, by a socket: ioredis takes
// a server that is busy enough to tell of a command before it says that it will for a broken one.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { RedisServer } from "../redis/server.ts";

export interface ProofMonitor {
  /** Watches those that are there and are not watched yet; again after a restart. */
  watch(servers: readonly RedisServer[]): Promise<void>;
  /** Proofs that were executed on any server, and those among them that were so more than once. */
  count(): { readonly executed: number; readonly repeated: number };
  stop(): void;
}

/** `+<seconds> [<database> <who>] "<command>" "<argument>" …` */
const LINE = /^\+([\d.]+) \[\d+ (\S+)\] (.*)$/;
const ARGUMENT = /"((?:[^"\\]|\\.)*)"/g;

export function createProofMonitor(): ProofMonitor {
  const seen = new Map<string, number>();
  const sockets = new Map<number, Socket>();

  async function watchOne({ port }: RedisServer): Promise<void> {
    if (sockets.has(port)) return;
    const socket = connect(port, "127.0.0.1");
    sockets.set(port, socket);
    socket.once("close", () => sockets.delete(port));
    // A server that is killed resets its connections; one that is not there is not watched.
    socket.on("error", () => {});
    const lines = createInterface(socket);
    lines.on("error", () => {});
    lines.on("line", read);
    socket.write("MONITOR\r\n");
    await Promise.race([once(lines, "line"), once(socket, "close")]).catch(() => {});
  }

  function read(line: string): void {
    const [, seconds, source, text = ""] = LINE.exec(line) ?? [];
    const [command = "", ...args] = [...text.matchAll(ARGUMENT)].map(([, argument = ""]) => argument);
    // What a script calls is not sent by anyone; a script that was not there is sent whole, and has not been executed.
    if (source === undefined || source === "lua" || !/^eval(sha)?$/i.test(command)) return;
    // A charge has two arguments a key beside its keys, the script, their number and two of time; a merge has four.
    const keys = Number(args[1]);
    const proof = args.slice(2, 2 + keys).find((key) => key.includes(":replay:"));
    if (proof === undefined || args.length !== 4 + 3 * keys) return;
    // What comes after its time is not decided: whoever is told so may send it again.
    const due = Number(args[3 + keys]) / 10;
    if (due > 0 && Number(seconds) > due) return;
    seen.set(proof, (seen.get(proof) ?? 0) + (/^eval$/i.test(command) ? 0 : 1));
  }

  return {
    watch: async (servers) => void (await Promise.all(servers.map(watchOne))),
    count: () => ({ executed: seen.size, repeated: [...seen.values()].filter((times) => times > 1).length }),
    stop() {
      for (const socket of sockets.values()) socket.destroy();
    },
  };
}
