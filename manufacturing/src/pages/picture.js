// Small pictures made of boxes; each is said in words beside it.

import { make, number, units } from "./dom.js";
import { groupLink } from "./links.js";

/** How units spread over pallets and packages. */
export class Spread {
  #pallets = new Map();
  #packages = new Set();
  #contested = 0;

  /** Takes in a unit of a recall. */
  add(unit) {
    if (unit.contested) {
      this.#contested += 1;
      return;
    }
    const pallet = unit.palletId ?? "";
    let packages = this.#pallets.get(pallet);
    if (!packages) this.#pallets.set(pallet, (packages = new Map()));
    const inside = unit.packageId ?? "";
    packages.set(inside, (packages.get(inside) ?? 0) + 1);
    if (inside) this.#packages.add(inside);
  }

  /** The picture: a bar for each pallet, the fullest first, a box for each package in it. */
  picture(most = 10) {
    const rows = [...this.#pallets].map(([pallet, packages]) => ({
      pallet, packages, count: [...packages.values()].reduce((sum, count) => sum + count, 0),
    }));
    rows.sort((a, b) => b.count - a.count || (a.pallet < b.pallet ? -1 : 1));
    const on = rows.filter(({ pallet }) => pallet !== "").length;
    const longest = Math.max(1, ...rows.map(({ count }) => count));
    const further = rows.slice(most);
    return make("div", { id: "spread", data: { pallets: on, packages: this.#packages.size } },
      make("p", {}, this.#words(on)),
      make("div", { class: "bars" }, rows.slice(0, most).map((row) => bar(row, longest))),
      further.length > 0 && make("p", { class: "soft" },
        `and ${number(further.length)} further ${further.length === 1 ? "pallet" : "pallets"} with ${units(further.reduce((sum, row) => sum + row.count, 0))}`),
      this.#contested > 0 && make("p", { class: "warn" }, `! ${units(this.#contested)} may be in more than one place`));
  }

  #words(pallets) {
    const some = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;
    return `In ${some(this.#packages.size, "package")} on ${some(pallets, "pallet")}`;
  }
}

function bar({ pallet, packages, count }, longest) {
  const boxes = [...packages].sort((a, b) => b[1] - a[1]);
  // Very many boxes would be lines without a space between: one is drawn then.
  const drawn = boxes.length > 40 ? [["", count]] : boxes;
  const filled = make("span", { class: "filled", style: { width: `${(100 * count) / longest}%` } },
    drawn.map(([, inside]) => make("i", { style: { "flex-grow": String(inside) } })));
  const label = pallet === "" ? "on no pallet" : pallet;
  const properties = { class: "bar", data: { pallet, units: count }, title: `${label}: ${units(count)} in ${boxes.length} ${boxes.length === 1 ? "package" : "packages"}` };
  const content = [make("span", { class: pallet ? "mono name" : "soft name" }, label), make("span", { class: "track" }, filled), make("span", { class: "count" }, number(count))];
  return pallet === "" ? make("div", properties, content) : make("a", { ...properties, href: groupLink("palletId", pallet) }, content);
}

/** The records of a series: what is stored, what is missing, and what was announced and has not come. */
export function strip({ lastSequence, highestStored, holes, missing, superseded }) {
  if (lastSequence === 0) return make("div", { class: "strip empty" });
  const pieces = [];
  let next = 1;
  for (const [first, last] of holes) {
    if (first > next) pieces.push(["stored", first - next]);
    pieces.push([first > highestStored ? "awaited" : "hole", last - first + 1]);
    next = last + 1;
  }
  if (next <= lastSequence) pieces.push(["stored", lastSequence - next + 1]);
  const known = missing === 0 ? `all ${number(lastSequence)} records are stored` : `${number(missing)} of ${number(lastSequence)} records are missing`;
  const said = superseded ? `${known}; whether there were more is not known` : known;
  return make("div", { class: "strip", role: "img", "aria-label": said, title: said },
    pieces.map(([kind, length]) => make("i", { class: kind, style: { "flex-grow": String(length / lastSequence) } })),
    superseded && make("i", { class: "unknown" }));
}
