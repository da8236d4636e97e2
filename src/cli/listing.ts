// Prints a list, page after page, as it comes: rows in columns, or a line of JSON each. Knows no list.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Command, InvalidArgumentError } from "commander";
import { fieldTexts, jsonLine } from "./fields.ts";
import { wantsJson, writePart } from "./output.ts";
import { createTable } from "./table.ts";

/** The most that a page may have. */
const PAGE_SIZE = 1_000;

export interface ListOptions {
  readonly filter?: string;
  readonly limit?: number;
}

export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** Empty: this is the last. */
  readonly nextPageToken: string;
}

export interface List<Desc extends DescMessage> {
  readonly desc: Desc;
  /** The fields that people are shown. */
  readonly columns: readonly string[];
  readonly read: (page: { pageSize: number; pageToken: string }) => Promise<ListPage<MessageShape<Desc>>>;
}

/** Adds the options of a list. */
export function addListOptions(command: Command, fields: string): Command {
  return command
    .option("--filter <filter>", `only those for which this holds, as in ${fields}`)
    .option("--limit <count>", "at most so many", readLimit)
    .option("--json", "print a line of JSON for each");
}

/** The filter that leaves one customer's. */
export function customerCondition(customerId: string): string {
  return `customer_id = ${JSON.stringify(customerId)}`;
}

/** Prints all of a list, or what `limit` allows. */
export async function writeList<Desc extends DescMessage>(
  command: Command,
  { desc, columns, read }: List<Desc>,
  limit = Number.POSITIVE_INFINITY,
): Promise<void> {
  const render = wantsJson(command) ? jsonPages(desc) : tablePages(desc, columns);
  let left = limit;
  let pageToken = "";
  do {
    const page = await read({ pageSize: Math.min(left, PAGE_SIZE), pageToken });
    left -= page.items.length;
    pageToken = page.nextPageToken;
    if (!(await writePart(render(page.items)))) return;
  } while (pageToken !== "" && left > 0);
}

type RenderPage<Desc extends DescMessage> = (items: readonly MessageShape<Desc>[]) => string;

function jsonPages<Desc extends DescMessage>(desc: Desc): RenderPage<Desc> {
  return (items) => items.map((item) => `${jsonLine(desc, item)}\n`).join("");
}

function tablePages<Desc extends DescMessage>(desc: Desc, columns: readonly string[]): RenderPage<Desc> {
  const table = createTable(columns);
  return (items) => table(rowsOf(desc, columns, items));
}

/** Messages as rows of a table. */
export function rowsOf<Desc extends DescMessage>(
  desc: Desc,
  columns: readonly string[],
  items: readonly MessageShape<Desc>[],
): readonly (readonly string[])[] {
  return items.map((item) => {
    const texts = fieldTexts(desc, item);
    return columns.map((name) => texts.get(name) ?? "");
  });
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It takes a whole number from 1.");
}
