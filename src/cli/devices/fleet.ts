// Commands on all devices that a filter matches.

import type { Command } from "commander";
import { DeviceAction } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { readTimeSpan } from "../operators.ts";
import { customerCondition } from "../terminal/listing.ts";
import { type ConfirmOptions, confirm, usageFailure, warn, writeResult } from "../terminal/output.ts";

/** Options that select devices. */
export interface SelectionOptions {
  readonly filter?: string;
  readonly customer?: string;
  readonly failing?: true;
  /** Milliseconds. */
  readonly notSeenFor?: number;
}

/** Adds the options, but for --filter where a list has that already. */
export function addSelectionOptions(command: Command, { withFilter }: { readonly withFilter: boolean }): Command {
  if (withFilter) command.option("--filter <filter>", 'all that match, as in labels.site = "north"');
  return command
    .option("--customer <id>", "only those of this customer")
    .option("--failing", "only those whose last failure is later than their last login")
    .option("--not-seen-for <time>", "only those without a login for so long, as in 30d", readTimeSpan);
}

/** The filter that the options ask for; empty: none of them is set. */
export function selectionFilter({ filter, customer, failing, notSeenFor }: SelectionOptions): string {
  return [
    customer === undefined ? "" : customerCondition(customer),
    failing ? "failing = true" : "",
    notSeenFor === undefined ? "" : `last_seen_time < -${notSeenFor / 1_000}s`,
    filter ?? "",
  ]
    .filter((condition) => condition.trim() !== "")
    .join(" AND ");
}

/** Counts the devices that match. */
export async function countMatching(admin: AdminClient, filter: string): Promise<number> {
  let total = 0;
  let pageToken = "";
  do {
    const { count, nextPageToken } = await admin.countDevices({ filter, pageToken });
    total += count;
    pageToken = nextPageToken;
  } while (pageToken !== "");
  return total;
}

export interface MatchingChange {
  readonly action: DeviceAction;
  readonly labels?: Readonly<Record<string, string>>;
  /** Asks first; undefined: nothing is taken away. */
  readonly question?: string;
  /** The state of the devices afterwards, as in "are disabled". */
  readonly done: string;
}

/** @throws CommandFailure when a command has both a name and options that select devices */
export function requireNameAlone(options: SelectionOptions): void {
  if (selectionFilter(options) === "") return;
  throw usageFailure("a device's name and --filter, --customer, --failing and --not-seen-for exclude each other");
}

/** Changes all devices that match. @throws CommandFailure when no option selects any */
export async function changeMatching(
  command: Command,
  options: SelectionOptions & ConfirmOptions,
  { action, labels = {}, question, done }: MatchingChange,
): Promise<void> {
  const filter = selectionFilter(options);
  if (filter === "") {
    throw usageFailure(
      "name a device, or select devices by --filter, --customer, --failing or --not-seen-for (all: --filter 'device_key != \"\"')",
    );
  }
  if (question !== undefined) {
    const count = await callAdmin((admin) => countMatching(admin, filter));
    await confirm(`${question} ${count} devices?`, options);
  }
  let [matched, changed] = [0, 0];
  await callAdmin(async (admin) => {
    let pageToken = "";
    do {
      try {
        const answer = await admin.changeDevices({ filter, action, labels: { ...labels }, pageToken });
        matched += answer.matched;
        changed += answer.changed;
        pageToken = answer.nextPageToken;
      } catch (error) {
        if (changed > 0) warn(`${changed} devices ${done} already. Run the command again for the rest`);
        throw error;
      }
    } while (pageToken !== "");
  });
  const unchanged = matched - changed;
  writeResult(command, { matched, changed }, [
    `${changed} devices ${done}${unchanged === 0 ? "" : `, ${unchanged} were so already`}`,
  ]);
}

/** Adds `devices label`. */
export function addDevicesLabelCommand(devices: Command): void {
  const label = devices.command("label <name=value...>").description("set labels of all devices that match");
  addSelectionOptions(label, { withFilter: true }).action(
    async (words: readonly string[], options: SelectionOptions, command: Command) => {
      const pairs = words.map((word) => /^([^=]+)=(.*)$/s.exec(word)?.slice(1) ?? []);
      if (pairs.some(({ length }) => length === 0)) {
        throw usageFailure("write a name and a value, as in site=north; without a value the label is removed");
      }
      const labels: Record<string, string> = Object.fromEntries(pairs);
      await changeMatching(command, options, { action: DeviceAction.LABEL, labels, done: "are labelled" });
    },
  );
}
