// One unit: what is known of it now, the recalls that begin with it, and everything that happened to it.

import { Failure, ask, devicePath, query } from "./api.js";
import { announce, make, number, pill, put, time, units } from "./dom.js";
import { groupLink, recallLink } from "./links.js";
import { choices, nothing } from "./search.js";
import { timeline } from "./timeline.js";
import { text, title, word } from "./words.js";

/** Fields that stand in the head or in a list of their own. */
const ELSEWHERE = ["serialNumber", "scope", "state", "contested", "firstSeen", "lastSeen", "records", "memberships", "packageId", "palletId", "packageIds", "palletIds", "onHold", "contradictions", "test", "despatch", "station", "partOf"];
const PLACES = ["packageId", "palletId"];
/** What people look for first. */
const ORDER = ["lotCode", "workOrder", "productionOrder", "partNumber", "deviceType", "fwVersion", "hardwareRevision", "pcbPartNumber", "connhexId"];

export async function device(place, { id, parameters }, signal) {
  const { scope } = parameters;
  let found;
  try {
    found = await ask(devicePath(id, scope), signal);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.status === 404) {
      return nothing(place, id, await ask(`/v1/search${query({ q: id })}`, signal), signal);
    }
    if (error.status !== 409) throw error;
    announce("Several units have this serial number. Choose one.");
    return put(place, make("section", { id: "choice" },
      make("h1", {}, "Several units have the name ", make("span", { class: "mono" }, id)), choices(error.candidates)));
  }
  const exact = found.scope ?? (scope === undefined ? undefined : "");
  const [{ records }, { groups }] = await Promise.all([
    ask(devicePath(found.serialNumber, exact, "history"), signal),
    ask(devicePath(found.serialNumber, exact, "groups"), signal),
  ]);
  document.title = `${found.serialNumber} – Lotline`;
  announce(`Unit ${found.serialNumber}, ${records.length} records.`);
  put(place, make("article", { id: "device", data: { serial: found.serialNumber, scope: found.scope ?? "" } },
    head(found),
    make("div", { class: "columns unit" },
      recalls(found, exact, groups),
      make("section", { id: "history" },
        make("h2", {}, `What happened to it, oldest first: ${number(records.length)} ${records.length === 1 ? "record" : "records"}`),
        timeline(records, disputed(found))),
      make("div", { class: "aside known" }, current(found), left(found)))));
}

function head(found) {
  const { test, despatch } = found;
  const state = {
    packed: ["good", "packed"], voided: ["bad", "voided: never packed"], scrapped: ["bad", "scrap"], unpacked: ["warn", "taken out"],
    despatched: ["good", `despatched${despatch?.consignee ? ` to ${despatch.consignee}` : ""}${despatch?.despatchNote ? `, note ${despatch.despatchNote}` : ""}`],
    assembled: ["good", `part of ${found.partOf ?? "a device"}`], tested: ["warn", "tested, not packed"], seen: ["warn", "seen"],
  }[found.state];
  return make("header", { class: "head" },
    make("div", {},
      make("p", { class: "kicker" }, found.scope ? `Unit, ${found.scope}` : "Unit"),
      make("h1", { class: "mono", id: "serial" }, found.serialNumber)),
    make("p", { class: "marks" },
      state ? pill(...state, { id: "state" }) : pill("warn", text(found.state), { id: "state" }),
      test && pill(test.passed ? "good" : "bad", `${test.passed ? "passed" : "failed"} its last test, of ${test.attempts}`, { id: "test" }),
      (found.onHold ?? []).map(({ lotCode, reason }) => pill("bad", `on hold${lotCode === undefined ? "" : `, with its lot ${lotCode}`}: ${reason}`, { data: { part: "hold" } })),
      (found.contradictions ?? []).map(({ code, text: why }) => pill("bad", `contradiction: ${why}`, { data: { contradiction: code } })),
      found.contested && pill("warn", "contested: records disagree on where it is", { id: "contested" })),
    make("p", { class: "span soft" }, "first seen ", time(found.firstSeen), " last seen ", time(found.lastSeen)));
}

/** One button for each dimension by which the unit can be recalled. */
function recalls(found, scope, groups) {
  const buttons = groups.map(({ dimension, values, units: count, more }) => {
    const [first, ...others] = values.map(({ value }) => value);
    return make("a", {
      class: "recall", href: recallLink(found.serialNumber, scope, dimension), data: { recall: dimension, units: count },
    },
      make("span", { class: "by" }, `Recall by ${word(dimension)}`),
      make("b", {}, first, others.length > 0 && make("span", { class: "by" }, ` and ${others.length} more`)),
      make("span", { class: "count" }, more ? `over ${units(count)}` : units(count)));
  });
  return make("section", { id: "recalls" }, make("h2", {}, "Which units are affected?"),
    buttons.length ? make("div", { class: "recalls" }, buttons)
      : make("p", { class: "soft" }, "It was never in a group, so that no other unit is affected through it."));
}

/** Where it is: of a contested unit more than one of a kind. */
const placesNow = (found, dimension) => found.memberships.filter((m) => m.dimension === dimension && m.until === null && !m.corrected);

/** The places of which only one can be true. */
function disputed(found) {
  const several = PLACES.map((dimension) => placesNow(found, dimension)).filter((now) => found.contested && now.length > 1);
  return new Set(several.flat().map(({ value }) => value));
}

/** What is known now: where it is, of a contested unit every place, and its attributes. */
function current(found) {
  const places = PLACES.map((dimension) => {
    const now = placesNow(found, dimension);
    return field(dimension, now.length === 0 ? make("span", { class: "soft" }, "none")
      : now.flatMap(({ value }, n) => [n > 0 && " or ", make("a", { href: groupLink(dimension, value), data: { place: dimension } }, value)]));
  });
  const names = Object.keys(found).filter((name) => !ELSEWHERE.includes(name));
  const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return make("section", { class: "card", id: "fields" }, make("h2", {}, "Current record"),
    make("dl", { class: "fields" }, places, names.map((name) => field(name, text(found[name])))));
}

/** A field under both of its names. */
function field(name, value) {
  return make("div", {}, make("dt", {}, title(name), " ", make("code", {}, name)), make("dd", { class: "mono", data: { field: name } }, value));
}

/** Groups that it has left or never was in. */
function left(found) {
  const past = found.memberships.filter((m) => m.until !== null || m.corrected);
  if (past.length === 0) return null;
  return make("section", { class: "card", id: "left" }, make("h2", {}, "No longer in"),
    make("ul", { class: "plain" }, past.map((m) => make("li", { data: { left: m.dimension } },
      `${title(m.dimension)} `, make("a", { class: "mono", href: groupLink(m.dimension, m.value) }, m.value),
      m.corrected ? make("span", {}, " ", pill("bad", "corrected: was never true")) : make("span", { class: "soft" }, " until ", time(m.until))))));
}
