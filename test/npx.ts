// `npx` as a checkout has it, without the second that npm's own takes to start. That npm's own works is for test/readme*.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./program.ts";

const LAUNCHER = join(import.meta.dirname, "../bin/countersign.js");

const NPX = `#!/bin/sh
program=$1
shift
case $program in
countersign) exec '${process.execPath}' '${LAUNCHER}' "$@" ;;
node) exec '${process.execPath}' "$@" ;;
esac
echo "npx: a test knows no $program" >&2
exit 127
`;

/** Makes one that goes when the test does. @returns the folder that it is in, to stand before all others of PATH */
export function makeNpx(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "npx"), NPX, { mode: 0o755 });
  return folder;
}
