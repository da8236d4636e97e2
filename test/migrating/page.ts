// Reads the steps of docs/migrating.md and pastes their commands into bash.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { text } from "node:stream/consumers";
import { fencesIn } from "../fences.ts";

const PAGE = "docs/migrating.md";

export interface Step {
  readonly number: number;
  /** Its commands, a block each. */
  readonly commands: readonly string[];
}

/** The numbered steps of the page. */
export function readSteps(): readonly Step[] {
  const sections = readFileSync(PAGE, "utf8").split(/^## /m).slice(1);
  return sections.map((section) => {
    return {
      number: Number.parseInt(section, 10),
      commands: fencesIn(section, "sh"),
    };
  });
}

export interface Shell {
  readonly cwd: string;
  /** Where its programs are, before all other places. */
  readonly folders?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Printed {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a block in bash, to its end. */
export async function paste(code: string, { cwd, env = {}, folders = [] }: Shell): Promise<Printed> {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  const path = [...folders, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const child = spawn("bash", ["-c", code], {
    cwd,
    env: { ...Object.fromEntries(clean), ...env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("exit", resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}
