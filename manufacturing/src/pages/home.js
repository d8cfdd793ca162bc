// The first page: the question, and whether the answers can be whole.

import { ask } from "./api.js";
import { make, number, pill } from "./dom.js";
import { strip } from "./picture.js";
import { keepFresh, online, statement } from "./stations.js";

export async function home(place, _route, signal) {
  await keepFresh(place, signal, async () => {
    const [health, answer] = await Promise.all([ask("/healthz", signal), ask("/v1/stations", signal)]);
    return make("article", { id: "home" },
      make("p", { class: "hint soft" }, "Scan or type a unit, or the label of a package or pallet. Lots, orders and part numbers are found as well."),
      make("dl", { class: "tiles" },
        tile("devices", "units packed", number(health.devices)),
        tile("packages", "packages", number(health.packages)),
        tile("pallets", "pallets", number(health.pallets)),
        ...overall(health, answer)),
      lines(answer.stations));
  });
}

function tile(id, name, value) {
  return make("div", { class: "card tile" }, make("dd", { id: `count-${id}` }, value), make("dt", {}, name));
}

function overall(health, answer) {
  const { words, stations, online: connected } = statement(answer);
  const [, reason] = /^[^:]*: (.*)$/s.exec(words) ?? [words, words];
  return [
    make("a", { class: "card tile", href: "#/stations" },
      make("dd", { id: "stations-online", data: { online: connected, stations } }, `${connected} of ${stations}`), make("dt", {}, "stations online")),
    make("a", { class: `card tile overall ${answer.complete ? "good" : "bad"}`, href: "#/stations" },
      make("dd", { id: "home-complete", data: { complete: answer.complete } }, answer.complete ? "✓ Complete" : "✕ Not complete"),
      make("dt", {}, reason.charAt(0).toUpperCase() + reason.slice(1), health.mqtt !== "connected" && make("span", {}, " ", pill("warn", "no broker", { id: "no-broker" })))),
  ];
}

function lines(stations) {
  if (stations.length === 0) return null;
  return make("section", { id: "home-stations" },
    make("h2", {}, "Stations"),
    make("ul", { class: "lines" }, stations.map((series) => make("li", { data: { line: series.station } },
      make("b", {}, series.station), online(series), strip(series),
      series.series === null ? pill("warn", "nothing known")
        : pill(series.complete ? "good" : "bad", series.complete ? "complete" : series.missing > 0 ? `${number(series.missing)} missing` : "not complete")))));
}
