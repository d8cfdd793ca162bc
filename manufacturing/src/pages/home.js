// The first page: the question, and whether the answers can be whole.

import { ask } from "./api.js";
import { make, number, pill } from "./dom.js";
import { keepFresh } from "./fresh.js";
import { deviceLink, groupLink } from "./links.js";
import { strip } from "./picture.js";
import { online } from "./series.js";
import { SIGNS, overall } from "./statement.js";
import { title } from "./words.js";

export async function home(place, _route, signal) {
  await keepFresh(place, signal, async () => {
    const [health, answer, recent] = await Promise.all(["/healthz", "/v1/stations", "/v1/recent?most=5"].map((path) => ask(path, signal)));
    return make("article", { id: "home" },
      make("p", { class: "hint soft" }, "Scan or type a unit, or the label of a package or pallet. Lots, orders and part numbers are found as well."),
      newest(recent),
      make("dl", { class: "tiles" },
        tile("devices", health.devices === 1 ? "unit packed" : "units packed", health.devices),
        tile("packages", health.packages === 1 ? "package" : "packages", health.packages),
        tile("pallets", health.pallets === 1 ? "pallet" : "pallets", health.pallets),
        ...tiles(health, answer)),
      lines(answer.stations));
  });
}

function tile(id, name, value) {
  return make("div", { class: "card tile" }, make("dd", { id: `count-${id}` }, number(value)), make("dt", {}, name));
}

/** What was stored last: something to begin with. */
function newest({ devices, groups }) {
  if (devices.length === 0) return null;
  return make("section", { id: "home-recent" },
    make("p", { class: "picks" }, make("span", { class: "soft" }, "Stored last"), devices.map(({ serialNumber, scope }) =>
      make("a", { class: "button mono", href: deviceLink(serialNumber, scope), data: { recent: serialNumber } }, serialNumber))),
    groups.length > 0 && make("p", { class: "picks" }, make("span", { class: "soft" }, "Packed of late"), groups.map(({ dimension, value }) =>
      make("a", { class: "button", href: groupLink(dimension, value), data: { recentGroup: dimension } },
        make("span", { class: "soft" }, title(dimension)), make("span", { class: "mono" }, value)))));
}

function tiles(health, answer) {
  const { kind, verdict, reason, stations, online: connected } = overall(answer);
  return [
    make("a", { class: "card tile", href: "#/stations" },
      make("dd", { id: "stations-online", data: { online: connected, stations } }, `${connected} of ${stations}`), make("dt", {}, "stations online")),
    make("a", { class: `card tile overall ${kind}`, href: "#/stations" },
      make("dd", { id: "home-complete", data: { complete: answer.complete } }, `${SIGNS[kind]} ${verdict}`),
      make("dt", {}, reason.charAt(0).toUpperCase() + reason.slice(1), health.mqtt !== "connected" && make("span", {}, " ", pill("warn", "no broker", { id: "no-broker" })))),
  ];
}

function lines(stations) {
  if (stations.length === 0) return null;
  return make("section", { id: "home-stations" },
    make("h2", {}, "Stations"),
    make("ul", { class: "lines" }, stations.map((series) => make("li", { data: { line: series.station } },
      make("b", {}, series.station), online(series), strip(series),
      !series.counts ? pill("warn", "nothing known")
        : pill(series.complete ? "good" : "bad", series.complete ? "complete" : series.missing > 0 ? `${number(series.missing)} missing` : "not complete")))));
}
