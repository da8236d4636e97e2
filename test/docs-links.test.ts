// Every relative link and anchor of the pages exists.

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const PAGES = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md")];

/** The text of a page without its code blocks. */
function proseOf(page: string): string {
  return readFileSync(page, "utf8").replace(/^[ \t]*```[\s\S]*?^[ \t]*```$/gm, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

/** The mistake of a link, or undefined. */
function mistakeIn(page: string, link: string): string | undefined {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(target)) return `${page}: ${link} is no file`;
  return anchor === undefined || anchorsOf(target).includes(anchor) ? undefined : `${page}: ${link} is no heading`;
}

test("every relative link and anchor exists", () => {
  const links = PAGES.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => ({ page, link })),
  );
  const relative = links.filter(({ link }) => !/^\w+:/.test(link));
  expect(relative.length).toBeGreaterThan(50);
  expect(relative.map(({ page, link }) => mistakeIn(page, link)).filter((mistake) => mistake !== undefined)).toEqual(
    [],
  );
});

test("every source file that a page names exists", () => {
  const named = [...PAGES, "SECURITY.md"].flatMap((page) =>
    [...proseOf(page).matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:test\.)?ts)`/g)].map(([, file = ""]) => ({ page, file })),
  );
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter(({ file }) => !existsSync(file) && !existsSync(`src/${file}`))).toEqual([]);
});
