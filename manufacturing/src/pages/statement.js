// Whether all that happened is stored, in words: of the whole, and of one list.

import { local, make, number, peek, put, spoken, units } from "./dom.js";

/** The sign before a verdict says the same as its colour. */
export const SIGNS = { good: "✓", warn: "!", bad: "✕" };

/** Is a station waited for? One that is enrolled is, before anything of it was heard. */
const counts = ({ series, counts: told = series !== null }) => told;

/** Stations of which nothing but a connection is known: nobody can say whether they recorded anything. */
const unheard = (stations) => new Set(stations.filter((one) => !counts(one)).map(({ station }) => station)).size;

const without = (count) => `without ${number(count)} ${count === 1 ? "station" : "stations"} of which nothing but ${count === 1 ? "its" : "their"} connection is known`;

/** The whole: `kind` good, warn or bad; `verdict`, `reason`, and `words`, which are both. */
export function overall({ complete, why, writtenOff = [], stations: all }) {
  const counting = all.filter(counts);
  const lacking = counting.filter((series) => !series.complete);
  const unknown = unheard(all);
  const said = { kind: "bad", verdict: "Not complete", reason: `${[...why, lacking.length > 0 && `${lacking.length} of ${counting.length} series lack something`].filter(Boolean).join("; ")}.` };
  if (complete) {
    Object.assign(said, unknown === 0
      ? { kind: "good", verdict: "Complete", reason: "every record that a station has announced is stored." }
      : { kind: "warn", verdict: `Complete, ${without(unknown)}`, reason: "every record that the others have announced is stored." });
    if (writtenOff.length > 0) Object.assign(said, { kind: "warn", verdict: `${said.verdict}, with write-offs`, reason: "what is missing was given up by a person." });
  }
  const names = new Set(all.map(({ station }) => station));
  const online = new Set(all.filter((series) => series.online).map(({ station }) => station));
  return { ...said, words: `${said.verdict}: ${said.reason}`, stations: names.size, online: online.size };
}

const counted = (count, ...content) => make("p", { class: "count", id: "count", data: { count } }, content);

/** A write-off in words. */
export function givenUp({ first, last, reason, at, actor }) {
  const records = last === undefined ? `all records from ${first}` : first === last ? `record ${first}` : `records ${first} to ${last}`;
  return `${records} given up ${local(at)}${actor ? ` by ${actor}` : ""}: ${reason}`;
}

/** While a list comes in: nothing may look final. */
export function receiving(banner, { count }) {
  put(banner, counted(count, units(count)),
    make("div", {}, make("p", { class: "verdict" }, "Receiving the list …"), make("p", {}, "Do not use it before it has ended.")),
    make("progress", { "aria-label": "receiving" }));
}

/** A list has ended as it should. `further` stands below the reasons. The sentence for those who do not see it comes back. */
export function ended(banner, { end, count }, further) {
  const { complete, completeness } = end;
  const { why = [], stations, writtenOff = [], differences = [] } = completeness;
  const unknown = unheard(stations);
  const kind = !complete ? "bad" : unknown > 0 || writtenOff.length > 0 || differences.length > 0 ? "warn" : "good";
  const reasons = [...writtenOff.map((off) => [off.station, givenUp(off)]),
    ...differences.map((one) => [null, `Written off, or of an earlier series: ${one}`]), ...why.map((one) => [null, one]),
    ...stations.filter(counts).flatMap((series) => series.why.map((one) => [series.station, one]))];
  banner.className = `statement ${kind}`;
  Object.assign(banner.dataset, { state: complete ? "complete" : "incomplete", asOf: completeness.asOf });
  const verdict = !complete ? "NOT COMPLETE" : `Complete${unknown > 0 ? `, ${without(unknown)},` : ""}${writtenOff.length > 0 ? ", with write-offs," : ""}`;
  const meaning = !complete ? "Further units may be affected. What is missing:"
    : `Every ${unknown > 0 ? "other " : ""}station has said what it recorded by then, and all of it is stored${writtenOff.length > 0 ? " but for what a person gave up:" : "."}`;
  put(banner, counted(count, make("span", {}, number(count)), ` ${count === 1 ? "unit" : "units"} affected`),
    make("div", {},
      make("p", { class: "verdict" }, `${SIGNS[kind]} ${verdict} as of `, peek(local(completeness.asOf), completeness.asOf, { class: "time" })),
      make("p", {}, meaning),
      reasons.length > 0 && make("ul", { id: "reasons", class: "reasons" }, reasons.map(([station, one]) =>
        make("li", { data: { station: station ?? "" } }, station && make("b", {}, `${station}: `), spoken(one)))),
      further && make("p", {}, further)));
  return `${units(count)} affected. ${complete ? "The list is complete" : "The list is not complete"} as of ${local(completeness.asOf)}.`;
}

/** A list broke off: it must never look whole. */
export function broken(banner, { count }, error) {
  banner.className = "statement bad";
  banner.dataset.state = "cut";
  banner.setAttribute("role", "alert");
  put(banner, counted(count, make("span", {}, number(count)), " received"),
    make("div", {},
      make("p", { class: "verdict" }, `✕ The list was cut off: ${number(count)} received, do not use it`),
      make("p", {}, `${error.message} Ask again.`)),
    make("button", { id: "retry", class: "first", type: "button", on: { click: () => dispatchEvent(new Event("hashchange")) } }, "Ask again"));
  return `The list was cut off: ${units(count)} received, do not use it.`;
}
