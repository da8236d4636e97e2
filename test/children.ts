// Child processes that end with this one.

import type { ChildProcess } from "node:child_process";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Ends a child with this process. @returns the child */
export function adopt<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  for (const end of ["exit", "error"]) child.once(end, () => running.delete(child));
  return child;
}

/** Whether an adopted child runs. */
export function isRunning(child: ChildProcess): boolean {
  return running.has(child);
}
