// `list` commands: every page of a list, as a table or as JSON lines.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Command, InvalidArgumentError } from "commander";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { fieldTexts, jsonLine } from "./fields.ts";
import { wantsJson, writePart, writeResult } from "./output.ts";

/** The largest page that the gateway returns. */
const PAGE_SIZE = 1_000;

export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface ListCommand<Desc extends DescMessage, Options extends ListOptions = ListOptions> {
  readonly description: string;
  readonly desc: Desc;
  /** The fields that the table shows. */
  readonly columns: readonly string[];
  /** Shown in --help; undefined for a list that takes neither a filter nor a limit. */
  readonly filterExample?: string;
  readonly read: (
    admin: AdminClient,
    page: { pageSize: number; pageToken: string; filter: string },
    options: Options,
  ) => Promise<ListPage<MessageShape<Desc>>>;
  /** Counts the items, for --count; absent: the list has no --count. */
  readonly count?: (admin: AdminClient, options: Options) => Promise<number>;
}

export interface ListOptions {
  readonly filter?: string;
  readonly limit?: number;
  readonly count?: true;
  readonly customer?: string;
}

/** Adds `list` to a group. @returns the command, for further options */
export function addListCommand<Desc extends DescMessage, Options extends ListOptions = ListOptions>(
  group: Command,
  list: ListCommand<Desc, Options>,
): Command {
  const command = group.command("list").description(list.description);
  if (list.filterExample !== undefined) {
    command
      .option("--filter <filter>", `only those that match, as in ${list.filterExample}`)
      .option("--limit <count>", "at most this many", readLimit);
  }
  if (list.count !== undefined) command.option("--count", "only print how many there are");
  return command.action((options: Options) => callAdmin((admin) => writeList(admin, command, list, options)));
}

async function writeList<Desc extends DescMessage, Options extends ListOptions>(
  admin: AdminClient,
  command: Command,
  { desc, columns, read, count }: ListCommand<Desc, Options>,
  options: Options,
): Promise<void> {
  if (options.count && count !== undefined) {
    const items = await count(admin, options);
    writeResult(command, { count: items }, [String(items)]);
    return;
  }
  const render = wantsJson(command)
    ? (items: readonly MessageShape<Desc>[]) => items.map((item) => `${jsonLine(desc, item)}\n`).join("")
    : createTable(desc, columns);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let pageToken = "";
  do {
    const page = { pageSize: Math.min(left, PAGE_SIZE), pageToken, filter: options.filter ?? "" };
    const { items, nextPageToken } = await read(admin, page, options);
    left -= items.length;
    pageToken = nextPageToken;
    if (!(await writePart(render(items)))) return;
  } while (pageToken !== "" && left > 0);
}

/** Renders pages of messages as rows. Columns never become narrower from page to page. */
export function createTable<Desc extends DescMessage>(
  desc: Desc,
  columns: readonly string[],
): (items: readonly MessageShape<Desc>[]) => string {
  let widths = columns.map(() => 0);
  let head: (readonly string[])[] = [columns];
  return (items) => {
    const texts = items.map((item) => fieldTexts(desc, item));
    const rows = [...head, ...texts.map((fields) => columns.map((name) => fields.get(name) ?? "-"))];
    head = [];
    widths = widths.map((width, at) => Math.max(width, ...rows.map((row) => row[at]?.length ?? 0)));
    const lineOf = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ");
    return rows.map((row) => `${lineOf(row).trimEnd()}\n`).join("");
  };
}

/** The filter for the devices of a customer. */
export function customerCondition(customerId: string): string {
  return `customer_id = ${JSON.stringify(customerId)}`;
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a whole number from 1.");
}
