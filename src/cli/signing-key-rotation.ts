// `countersign signing-keys rotate`: has the next key sign, and waits for that.

import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type RotateSigningKeyResponse,
  RotateSigningKeyResponseSchema,
  type SigningKey,
  SigningKeyState,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { monotonicNow, systemNow } from "../telemetry/clock.ts";
import { callAdmin } from "./gateway/admin-client.ts";
import { withPatience } from "./gateway/patience.ts";
import { CommandFailure } from "./output.ts";
import { writeResource } from "./resource.ts";
import { timeOf, warn, warnUnfetched } from "./unfetched-key.ts";

/** How often a gateway is asked whether it is done, in milliseconds: seldom before its time, and then often. */
const SELDOM_MS = 30_000;
const OFTEN_MS = 1_000;

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
      const answer = await callAdmin((admin) => admin.rotateSigningKey({ now }));
      const due = answer.rotateTime && timestampMs(answer.rotateTime);
      if (due === undefined) {
        if (now && answer.active !== undefined) warnUnfetched(answer.active);
        write(command, answer);
        return;
      }
      if (now)
        warn(
          `${answer.next?.kid} was made a moment ago: no service has it. In a second --now has it sign all the same`,
        );
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
    const { signingKeys } = await callAdmin((admin) =>
      withPatience(PATIENCE, () => admin.listSigningKeys({ pageSize: 1_000 })),
    );
    const inState = (state: SigningKeyState) => signingKeys.find((key) => key.state === state);
    const [active, next] = [inState(SigningKeyState.ACTIVE), inState(SigningKeyState.NEXT)];
    // Another rotation may have come after this one.
    if (active !== undefined && signingKeys.some((key) => key.kid === awaited && key.activateTime !== undefined)) {
      return create(RotateSigningKeyResponseSchema, { active, ...(next && { next }) });
    }
    if (active?.kid !== before?.kid) throw planGone(awaited, active);
    // Revoked, or another was imported in its place: the plan is the active key's, and holds for whichever is next.
    if (next !== undefined && next.kid !== awaited && active?.rotateTime !== undefined) {
      warn(`${next.kid} is next in place of ${awaited}, and signs from ${timeOf(active.rotateTime)} on`);
      awaited = next.kid;
      due = timestampMs(active.rotateTime);
    }
  }
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
