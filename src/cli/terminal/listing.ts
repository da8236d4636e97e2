// `list` commands: pages as a table or JSON lines, and selection options.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { fieldTexts, jsonLine, readCount } from "./fields.ts";
import { wantsJson, writePart, writeResult } from "./output.ts";

/** The largest page that the gateway returns. */
const PAGE_SIZE = 1_000;

/** Options that select rows. */
export interface SelectionOptions {
  readonly filter?: string;
  readonly customer?: string;
  readonly failing?: true;
  /** Milliseconds. */
  readonly notSeenFor?: number;
}

interface ListOptions extends SelectionOptions {
  readonly limit?: number;
  readonly count?: true;
}

interface ListPage {
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface ListCommand<Desc extends DescMessage, Page extends ListPage> {
  readonly description: string;
  readonly desc: Desc;
  /** The fields that the table shows. */
  readonly columns: readonly string[];
  /** Shown in --help; undefined for a list that takes neither a filter nor a limit. */
  readonly filterExample?: string;
  readonly read: (
    admin: AdminClient,
    page: { pageSize: number; pageToken: string; filter: string },
    options: SelectionOptions,
  ) => Promise<Page>;
  readonly itemsOf: (page: Page) => readonly MessageShape<Desc>[];
  /** Counts the items, for --count; absent: the list has no --count. */
  readonly count?: (admin: AdminClient, filter: string) => Promise<number>;
}

/** Adds `list` to a group. @returns the command, for further options */
export function addListCommand<Desc extends DescMessage, Page extends ListPage>(
  group: Command,
  list: ListCommand<Desc, Page>,
): Command {
  const command = group.command("list").description(list.description);
  if (list.filterExample !== undefined) {
    command
      .option("--filter <filter>", `only those that match, as in ${list.filterExample}`)
      .option("--limit <count>", "at most this many", readCount);
  }
  if (list.count !== undefined) command.option("--count", "only print how many there are");
  return command.action((options: ListOptions) => callAdmin((admin) => writeList(admin, command, list, options)));
}

async function writeList<Desc extends DescMessage, Page extends ListPage>(
  admin: AdminClient,
  command: Command,
  { desc, columns, read, itemsOf, count }: ListCommand<Desc, Page>,
  options: ListOptions,
): Promise<void> {
  const filter = selectionFilter(options);
  if (options.count && count !== undefined) {
    const items = await count(admin, filter);
    return writeResult(command, { count: items }, [String(items)]);
  }
  const render = wantsJson(command)
    ? (items: readonly MessageShape<Desc>[]) => items.map((item) => `${jsonLine(desc, item)}\n`).join("")
    : createTable(desc, columns);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const pages = pagesOf((pageToken) => {
    return read(admin, { pageSize: Math.min(left, PAGE_SIZE), pageToken, filter }, options);
  });
  for await (const page of pages) {
    const items = itemsOf(page);
    left -= items.length;
    if (!(await writePart(render(items))) || left <= 0) return;
  }
}

/** Reads page after page. */
export async function* pagesOf<Page extends ListPage>(
  read: (pageToken: string) => Promise<Page>,
): AsyncGenerator<Page> {
  let pageToken = "";
  do {
    const page = await read(pageToken);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
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

/** The filter of the options; empty without them. */
export function selectionFilter({ filter = "", customer, failing, notSeenFor }: SelectionOptions): string {
  return [
    customer === undefined ? "" : `customer_id = ${JSON.stringify(customer)}`,
    failing ? "failing = true" : "",
    notSeenFor === undefined ? "" : `last_seen_time < -${notSeenFor / 1_000}s`,
    filter,
  ]
    .filter((condition) => condition.trim() !== "")
    .join(" AND ");
}
