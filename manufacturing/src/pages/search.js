// What a text means that was typed or scanned. Where it means one thing, that is shown at once.

import { ask, devicePath, query } from "./api.js";
import { announce, make, put, units } from "./dom.js";
import { deviceLink, groupLink } from "./links.js";
import { timeline } from "./timeline.js";
import { title, word } from "./words.js";

export async function search(place, { parameters }, signal) {
  const asked = parameters.q ?? "";
  const found = await ask(`/v1/search${query({ q: asked })}`, signal);
  const [device] = found.devices;
  if (found.devices.length === 1 && found.groups.length === 0) {
    return location.replace(deviceLink(device.serialNumber, device.scope || undefined));
  }
  if (found.devices.length === 0 && found.groups.length === 1) {
    return location.replace(groupLink(found.groups[0].dimension, found.groups[0].value));
  }
  if (found.devices.length === 0 && found.groups.length === 0) return nothing(place, asked, found, signal);
  announce(`${found.devices.length + found.groups.length} things have this name. Choose one.`);
  put(place, make("section", { id: "choice" },
    make("h1", {}, "Which one? ", make("span", { class: "mono" }, found.read)),
    choices(found.devices, found.groups)));
}

/** Things to choose from, as large buttons. */
export function choices(devices, groups = []) {
  return make("ul", { class: "choices" },
    devices.map(({ serialNumber, scope }) => make("li", {}, make("a", {
      class: "button choice", href: deviceLink(serialNumber, scope), data: { candidate: serialNumber, scope },
    }, make("span", { class: "soft" }, scope ? scope : "Unit"), make("span", { class: "mono" }, serialNumber)))),
    groups.map(({ dimension, value, units: count, more }) => make("li", {}, make("a", {
      class: "button choice", href: groupLink(dimension, value), data: { group: dimension, value },
    }, make("span", { class: "soft" }, `${title(dimension)}, ${more ? "more than " : ""}${units(count)}`), make("span", { class: "mono" }, value)))));
}

/** Nothing has that name: what to do, what is written so in another case, what begins so, and whether scans of it were refused. */
export async function nothing(place, asked, { beginning, otherCase }, signal) {
  const history = await ask(devicePath(asked, undefined, "history"), signal).catch((error) => {
    if (error.name === "AbortError") throw error;
    return null;
  });
  announce("Nothing has this name.");
  const spaces = asked !== asked.trim() && make("li", {}, "There is a space before or behind it.");
  put(place, make("article", {},
    make("section", { id: "nothing", class: "card" },
      make("h1", {}, "Nothing has the name ", make("span", { class: "mono" }, asked)),
      make("ul", { class: "plain" },
        spaces,
        make("li", {}, "Upper and lower case count, and so does every other character. Scan it, if you can."),
        make("li", {}, "A serial number, a Connhex id, a package, a pallet, a lot, an order or a part number can be found."),
        make("li", {}, "Records may be on their way: see whether ", make("a", { href: "#/stations" }, "all stations"), " are complete."))),
    history && make("section", { id: "refusals" },
      make("h2", {}, "No unit, but it was scanned and refused"), timeline(history.records)),
    otherCase.devices.length + otherCase.groups.length > 0 && make("section", { id: "other-case" },
      make("h2", {}, "The same in other upper and lower case"), choices(otherCase.devices, otherCase.groups)),
    beginning.length > 0 && make("section", { id: "beginning" },
      make("h2", {}, `Units whose ${word("serialNumber")} begins so`), choices(beginning))));
}
