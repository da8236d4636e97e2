// `countersign signing-keys rotate`: has the next key sign, and waits for that.

import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type RotateSigningKeyResponse,
  RotateSigningKeyResponseSchema,
  type SigningKey,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { SEEN_MS } from "../core/registry/ports.ts";
import { monotonicNow, systemNow } from "../telemetry/clock.ts";
import { callAdmin } from "./gateway/admin-client.ts";
import { withPatience } from "./gateway/patience.ts";
import { type ListedKeys, listKeys } from "./listed-keys.ts";
import { CommandFailure } from "./output.ts";
import { writeResource } from "./resource.ts";
import { timeOf, warn, warnUnfetched } from "./unfetched-key.ts";

/** How often a gateway is asked whether it is done, in milliseconds: seldom before its time, and then often. */
const SELDOM_MS = 30_000;
const OFTEN_MS = 1_000;

/** How old a next key is to be before it may sign at once, and a little more, in milliseconds. */
const HEARD_MS = SEEN_MS + 100;

/** A gateway that starts anew meanwhile is no reason to give up. */
const PATIENCE = {
  forMs: 60_000,
  now: monotonicNow,
  signal: new AbortController().signal,
  onWait: (code: string) => warn(`the gateway cannot be asked now (${code}): trying again`),
};

interface RotateOptions {
  readonly now?: boolean;
  readonly wait?: boolean;
}

/** Adds `rotate`. */
export function addRotateCommand(keys: Command): void {
  keys
    .command("rotate")
    .description("have the next key sign once it was published for long enough, and wait for that")
    .option("--now", "have it sign at once, though services may not have fetched it yet")
    .option("--no-wait", "leave the rest to the gateways")
    .option("--json", "print JSON")
    .action(async ({ now = false, wait = true }: RotateOptions, command: Command) => {
      const answer = await (now ? rotateAtOnce() : callAdmin((admin) => admin.rotateSigningKey({})));
      const due = answer.rotateTime && timestampMs(answer.rotateTime);
      if (due === undefined) {
        if (now && answer.active !== undefined) warnUnfetched(answer.active);
        write(command, answer);
        return;
      }
      warn(
        `${answer.next?.kid} signs from ${new Date(due).toISOString()} on, when every service has had time to fetch it`,
      );
      if (!wait) {
        write(command, answer);
        return;
      }
      warn("waiting for that. Ctrl-C leaves it to the gateways");
      write(command, await untilRotated(answer, due));
    });
}

/**
 * Has the next key sign now. One that was made less than a second ago may be in no gateway's JWKS: it is asked for once more.
 * @throws CommandFailure when it does not sign even then, or another key does
 */
async function rotateAtOnce(): Promise<RotateSigningKeyResponse> {
  const planned = await callAdmin((admin) => admin.rotateSigningKey({ now: true }));
  if (planned.rotateTime === undefined) return planned;
  warn(`${planned.next?.kid} was made less than a second ago: asking again in a second`);
  await pause(HEARD_MS);
  const answer = await callAdmin(
    // Asked again where somebody else had it sign meanwhile, the key after it would.
    async (admin) =>
      rotatedSince(planned.active, planned.next?.kid, await listKeys(admin)) ?? admin.rotateSigningKey({ now: true }),
  );
  if (answer.rotateTime === undefined) return answer;
  throw new CommandFailure(
    `${answer.next?.kid} does not sign yet, only its rotation is planned: it signs from ${timeOf(answer.rotateTime)} on. To have it sign sooner, give rotate --now again`,
  );
}

/**
 * Looks on until the key that was to sign does.
 * @throws CommandFailure when the gateway cannot be asked, or another key signs: the plan is no more
 */
async function untilRotated(
  { active: before, next: planned }: RotateSigningKeyResponse,
  plannedFor: number,
): Promise<RotateSigningKeyResponse> {
  let awaited = planned?.kid;
  let due = plannedFor;
  while (true) {
    const left = due - systemNow();
    await pause(left > SELDOM_MS ? SELDOM_MS : Math.max(left, OFTEN_MS));
    const listed = await callAdmin((admin) => withPatience(PATIENCE, () => listKeys(admin)));
    const rotated = rotatedSince(before, awaited, listed);
    if (rotated !== undefined) return rotated;
    const { active, next } = listed;
    // Revoked, or another was imported in its place: the plan is the active key's, and holds for whichever is next.
    if (next !== undefined && next.kid !== awaited && active?.rotateTime !== undefined) {
      warn(`${next.kid} is next in place of ${awaited}, and signs from ${timeOf(active.rotateTime)} on`);
      awaited = next.kid;
      due = timestampMs(active.rotateTime);
    }
  }
}

/** The rotation to the key that is awaited; undefined while the one before signs. @throws CommandFailure when another does */
function rotatedSince(
  before: SigningKey | undefined,
  awaited: string | undefined,
  { keys, active, next }: ListedKeys,
): RotateSigningKeyResponse | undefined {
  // Another rotation may have come after this one.
  if (active !== undefined && keys.some((key) => key.kid === awaited && key.activateTime !== undefined)) {
    return create(RotateSigningKeyResponseSchema, { active, ...(next && { next }) });
  }
  if (active?.kid !== before?.kid) throw planGone(awaited, active);
  return undefined;
}

function planGone(awaited: string | undefined, active: SigningKey | undefined): CommandFailure {
  return new CommandFailure(
    `${awaited} does not sign: ${active?.kid ?? "none"} does, since a key was imported or revoked meanwhile. To have another sign, give rotate again`,
  );
}

function write(command: Command, answer: RotateSigningKeyResponse): void {
  writeResource(command, RotateSigningKeyResponseSchema, answer, [
    `key ${answer.active?.kid} signs`,
    `key ${answer.next?.kid} is next`,
  ]);
}
