// Commands on several devices, by name or by filter.

import type { Command } from "commander";
import { DeviceAction } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { readTimeSpan } from "../terminal/fields.ts";
import { pagesOf, type SelectionOptions, selectionFilter } from "../terminal/listing.ts";
import {
  addConfirmOption,
  CommandFailure,
  type ConfirmOptions,
  confirm,
  usageFailure,
  warn,
  writeResult,
} from "../terminal/output.ts";
import { REVOKED_TOKENS } from "../tokens.ts";

/** Adds the options that select devices, except --filter: lists already have that one. */
export function addSelectionOptions(command: Command): Command {
  return command
    .option("--customer <id>", "only those of this customer")
    .option("--failing", "only those whose last failure is later than their last login")
    .option("--not-seen-for <time>", "only those without a login for this time, as in 30d", readTimeSpan);
}

/** Counts the devices that match. */
export async function countMatching(admin: AdminClient, filter: string): Promise<number> {
  let total = 0;
  for await (const { count } of pagesOf((pageToken) => admin.countDevices({ filter, pageToken }))) total += count;
  return total;
}

interface Verb {
  readonly description: string;
  readonly action: DeviceAction;
  /** The start of the question to confirm; absent: the command does not ask. */
  readonly question?: string;
  /** The state of the devices afterwards. */
  readonly done: string;
}

const VERBS: Readonly<Record<string, Verb>> = {
  disable: {
    description: "refuse logins of devices, and revoke their tokens",
    action: DeviceAction.DISABLE,
    question: "Disable",
    done: "disabled",
  },
  enable: { description: "allow logins of devices again", action: DeviceAction.ENABLE, done: "enabled" },
  delete: { description: "delete devices", action: DeviceAction.DELETE, question: "Delete", done: "deleted" },
  "revoke-tokens": {
    description: `revoke the tokens issued to devices until now: ${REVOKED_TOKENS}`,
    action: DeviceAction.REVOKE_TOKENS,
    question: "Revoke the tokens of",
    done: "without their tokens",
  },
};

/** Adds `disable`, `enable`, `delete`, `revoke-tokens` and `label`. */
export function addFleetCommands(devices: Command): void {
  for (const [name, verb] of Object.entries(VERBS)) {
    const command = devices.command(`${name} [device-key...]`).description(verb.description);
    if (verb.question !== undefined) addConfirmOption(command);
    addSelectionOptions(command.option("--filter <filter>", FILTER)).action(
      (names: string[], options: SelectionOptions & ConfirmOptions) => changeDevices(command, verb, names, options),
    );
  }
  const label = devices.command("label <name=value...>").description("set labels of all devices that match");
  addSelectionOptions(label.option("--filter <filter>", FILTER)).action(
    async (words: readonly string[], options: SelectionOptions) => {
      const pairs = words.map((word) => /^([^=]+)=(.*)$/s.exec(word)?.slice(1) ?? []);
      if (pairs.some(({ length }) => length === 0)) {
        throw usageFailure("write a name and a value, as in site=north; without a value the label is removed");
      }
      const verb = { action: DeviceAction.LABEL, done: "labelled" };
      await changeDevices(label, verb, [], options, Object.fromEntries(pairs));
    },
  );
}

const FILTER = 'all that match, as in labels.site = "north"';

/** Changes the named devices, or all that the options select. @throws CommandFailure when both are given, or neither */
async function changeDevices(
  command: Command,
  { action, question, done }: Pick<Verb, "action" | "question" | "done">,
  deviceKeys: string[],
  options: SelectionOptions & ConfirmOptions,
  labels: Record<string, string> = {},
): Promise<void> {
  const filter = selectionFilter(options);
  if ((filter === "") === (deviceKeys.length === 0)) {
    throw usageFailure(
      "name devices, or select them by --filter, --customer, --failing or --not-seen-for (all: --filter 'device_key != \"\"')",
    );
  }
  if (question !== undefined) {
    const count = deviceKeys.length || (await callAdmin((admin) => countMatching(admin, filter)));
    await confirm(`${question} ${deviceKeys.length === 1 ? `device ${deviceKeys[0]}` : `${count} devices`}?`, options);
  }
  let [matched, changed] = [0, 0];
  await callAdmin(async (admin) => {
    const request = { filter, deviceKeys, action, labels };
    try {
      for await (const answer of pagesOf((pageToken) => admin.changeDevices({ ...request, pageToken }))) {
        matched += answer.matched;
        changed += answer.changed;
      }
    } catch (error) {
      if (changed > 0) warn(`${changed} devices are ${done} already. Run the command again for the rest`);
      throw error;
    }
  });
  const unchanged = matched - changed;
  writeResult(command, { matched, changed }, [
    `${changed} ${changed === 1 ? "device is" : "devices are"} ${done}${unchanged === 0 ? "" : `, ${unchanged} already`}`,
  ]);
  const missing = new Set(deviceKeys).size - matched;
  if (missing > 0) throw new CommandFailure(`${missing} of these devices do not exist`, { reason: "does_not_exist" });
}
