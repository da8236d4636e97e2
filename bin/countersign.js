#!/usr/bin/env node
// The launcher: JavaScript that an old Node can read too, to say which version is needed.
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NEEDED = 24;
/**
 * V8 would let garbage grow to a multiple of the live heap: young objects alone get 128 MiB. Where objects outlive two collections,
 * as those of a long page do, it would allocate later ones as old. The gateway asks for a collection once a crowd has left.
 */
const SMALL_HEAP = [
  "--max-semi-space-size=8",
  "--no-allocation-site-pretenuring",
  "--heap-growing-percent=60",
  "--expose-gc",
];
/** glibc would keep freed memory: in an arena for each thread, and in buffers as large as any freed one (mallopt(3)). */
const SMALL_ARENAS = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "131072" };
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = join(root, "src", "main.ts");
const checkout = existsSync(sources);

if (Number(process.versions.node.split(".")[0]) < NEEDED) {
  const cure = checkout
    ? `Run \`npm ci\` without NODE_ENV=production, which brings Node ${NEEDED}, then start with npm or npx.`
    : `Install it, for instance with \`npm install node@${NEEDED}\`, then start with npx.`;
  process.stderr.write(
    `countersign: this is Node ${process.versions.node}, and Node ${NEEDED} or newer is needed. ${cure}\n`,
  );
  process.exitCode = 1;
} else {
  keepSmall();
  module.enableCompileCache();
  // Node strips types in a checkout but refuses to under node_modules: what is published runs built JavaScript.
  await import(pathToFileURL(checkout ? sources : join(root, "dist", "src", "main.js")).href);
}

/** V8's flags and malloc's settings can only be given at a start: this starts Node anew, as the same process. */
function keepSmall() {
  const [, script, ...words] = process.argv;
  const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].map((flag) => flag.replaceAll("_", "-"));
  const isChosen = flags.some((flag) => flag.includes("semi-space-size"));
  // A new process would lose the channel to its parent.
  const isServe = words.find((word) => !word.startsWith("-")) === "serve" && process.channel === undefined;
  if (!isServe || isChosen || process.execve === undefined) return;
  const command = [process.execPath, ...SMALL_HEAP, ...process.execArgv, script, ...words];
  try {
    process.execve(process.execPath, command, { ...SMALL_ARENAS, ...process.env });
  } catch {
    // Where exec is not possible, the gateway runs on with a larger heap.
  }
}
