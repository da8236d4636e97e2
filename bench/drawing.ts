// A report as a drawing: CPU of a request as a bar for each peer, with its spread. Knows numbers alone.

import type { Spread } from "./figures.ts";
import { GATEWAY } from "./groups.ts";
import type { Report } from "./report.ts";

const WIDTH = 880;
const BARS_AT = 300;
/** Room for the figures behind the longest bar. */
const BARS_WIDTH = WIDTH - BARS_AT - 150;
const ROW = 26;
const BAR = 16;
const TITLE = 34;
const FOOT = 30;

/** Shades between light and dark: GitHub shows the drawing on either, and says to no drawing on which. */
const TEXT = "#76808a";
const OWN = "#388bfd";
const OTHER = "#8b949e";
const SPREAD = "#d29922";

interface Row {
  readonly label: string;
  readonly cost: Spread;
  readonly ratio: Spread | undefined;
  readonly own: boolean;
}

export function renderDrawing({ node, cores, algorithm, groups }: Report): string {
  const sections = groups.map((group) => ({
    title: `${group.title} login`,
    rows: [
      ...group.peers.map(
        ({ name, short, cpuMicros }): Row => ({
          label: short,
          cost: cpuMicros.value,
          ratio: cpuMicros.ratio,
          own: name.startsWith(GATEWAY),
        }),
      ),
      {
        label: "the signature alone",
        cost: group.signatureMicros.value,
        ratio: group.signatureMicros.ratio,
        own: false,
      },
    ],
  }));
  const most = Math.max(...sections.flatMap(({ rows }) => rows.map(({ cost }) => cost.max)));
  const scale = BARS_WIDTH / most;

  const parts: string[] = [];
  let y = 0;
  for (const { title, rows } of sections) {
    parts.push(text(0, y + 22, title, `font-weight="600"`));
    y += TITLE;
    for (const row of rows) {
      parts.push(...renderRow(row, y, scale));
      y += ROW;
    }
  }
  const foot = `Server CPU of one login with ${algorithm}, µs: median, least to most, and times the first of its group. Node ${node}, ${cores} cores.`;
  parts.push(text(0, y + 20, foot, `font-size="12"`));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + FOOT}" width="${WIDTH}" height="${y + FOOT}"`,
    `  font-family="-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="14" fill="${TEXT}" role="img">`,
    "<title>Server CPU of one login, beside its peers</title>",
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function renderRow({ label, cost, ratio, own }: Row, y: number, scale: number): string[] {
  const middle = y + BAR / 2;
  const at = (value: number): string => (BARS_AT + value * scale).toFixed(1);
  const weight = own ? `font-weight="600"` : "";
  const figures = `${cost.median.toFixed(0)} µs${ratio === undefined ? "" : ` · ${ratio.median.toFixed(2)} ×`}`;
  return [
    text(BARS_AT - 12, middle + 5, label, `text-anchor="end" ${weight}`),
    `<rect x="${BARS_AT}" y="${y}" width="${(cost.median * scale).toFixed(1)}" height="${BAR}" rx="2" fill="${own ? OWN : OTHER}"/>`,
    `<path d="M${at(cost.min)} ${middle}H${at(cost.max)}M${at(cost.min)} ${middle - 4}v8M${at(cost.max)} ${middle - 4}v8" stroke="${SPREAD}" stroke-width="1.5"/>`,
    text(Number(at(Math.max(cost.max, cost.median))) + 8, middle + 5, figures, weight),
  ];
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes.trim()}>${escaped}</text>`;
}
