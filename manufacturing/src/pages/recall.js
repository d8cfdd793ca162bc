// Every unit that is affected, whether that is all of them, and why.

import { Failure, ask, devicePath, query, stream } from "./api.js";
import { announce, make, number, pill, put, time, units } from "./dom.js";
import { deviceLink, groupLink, recallLink } from "./links.js";
import { PRINTED, actions, isComplete, onPaper } from "./paper.js";
import { Spread } from "./picture.js";
import { choices } from "./search.js";
import { broken, ended, receiving } from "./statement.js";
import { title, word } from "./words.js";

/** Rows on the screen; the downloads always have all. */
const ROWS = 500;

export async function recall(place, { parameters }, signal) {
  const { serial, scope, by, value, asOf } = parameters;
  const question = { serial, scope, by, value, asOf };
  const list = { header: null, units: [], count: 0, corrected: [], spread: new Spread(), end: null, started: new Date() };
  const view = frame(question);
  let next = 0;
  const draw = () => {
    next = 0;
    if (signal.aborted) return;
    if (!view.shown && list.header) {
      head(view, list, question);
      put(place, view.article);
      view.shown = true;
    }
    progress(view, list);
  };
  try {
    await stream(`/v1/recall${query(question)}`, signal, (line) => take(list, line), () => { next ||= requestAnimationFrame(draw); });
    cancelAnimationFrame(next);
    if (!list.header) throw new Failure("cut", "The answer is empty.");
    draw();
    if (!list.end) throw new Failure("cut", "The end of the list is missing.");
    if (list.end.count !== list.count) throw new Failure("cut", `The end of the list says ${units(list.end.count)}.`);
    whole(view, list, question);
  } catch (error) {
    cancelAnimationFrame(next);
    if (signal.aborted) throw error;
    if (error instanceof Failure && error.status === 409) {
      announce("Several units have this serial number. Choose one.");
      return put(place, make("section", { id: "choice" }, make("h1", {}, "Several units have the name ", make("span", { class: "mono" }, serial)), choices(error.candidates)));
    }
    if (error instanceof Failure && error.code === "noGroupThen") return notThen(place, question, error);
    if (!(error instanceof Failure) || error.kind !== "cut") throw error;
    draw();
    cut(view, list, error);
    if (!view.shown) put(place, view.article);
  }
  onPaper(view.article, list, signal, () => {
    fill(view, list, PRINTED);
    shownOf(view, list);
  }, () => {
    for (const extra of [...view.body.children].slice(ROWS)) extra.remove();
    shownOf(view, list);
  });
  if (serial !== undefined) await others(view, question, list, signal);
}

/** The unit was in no such group by the time asked for: an answer, and where there is more. */
function notThen(place, question, { message, since }) {
  const group = question.by ? word(question.by) : "group";
  const { asOf, ...now } = question;
  const link = (id, properties, ...words) => make("a", { id, class: "button", href: `#/recall${query({ ...now, ...properties })}` }, words);
  announce(message);
  put(place, make("article", { id: "not-then" },
    make("section", { class: "card failure" },
      make("p", { class: "kicker" }, make("a", { class: "mono", href: deviceLink(question.serial, question.scope) }, question.serial), " as of another time"),
      make("h1", {}, `No ${group} then`),
      make("p", {}, make("span", { class: "mono" }, question.serial), ` had no ${group} at `, time(asOf), ". Its first one began at ", time(since), "."),
      make("p", {}, "By what is stored, no other unit was affected through one by then. Records may be missing: see whether ", make("a", { href: "#/stations" }, "all stations"), " are complete."),
      make("p", { class: "actions" }, link("show-now", {}, "Show it as of now"), link("show-since", { asOf: since }, "Show it as of when it began"))),
    then(question)));
}

/** Takes in a line of the answer: the header, a unit, a corrected unit, or the end. */
function take(list, line) {
  if (list.end) throw new Error("there is something behind the end");
  if (!list.header) list.header = line;
  else if (line.end === true) list.end = line;
  else if (line.corrected) list.corrected.push(line.corrected);
  else {
    list.count += 1;
    list.spread.add(line);
    if (list.units.length < PRINTED) list.units.push(line);
  }
}

/** What stays the same while the list comes in. */
function frame(question) {
  const body = make("tbody", { id: "units" });
  const view = {
    shown: false, body,
    head: make("header", { class: "head" }),
    banner: make("section", { id: "complete", class: "statement wait", data: { state: "receiving" } }),
    more: make("p", { id: "shown", class: "soft" }),
    corrected: make("section", { id: "corrected", hidden: true }),
    values: make("section", { id: "values", class: "card" }),
    where: make("section", { id: "where", class: "card", hidden: true }),
    others: make("section", { id: "others", hidden: true }),
  };
  const columns = ["Serial number", "Why", question.asOf ? "Package then" : "Package", question.asOf ? "Pallet then" : "Pallet"];
  view.table = make("table", { id: "list" }, make("thead", {}, make("tr", {}, columns.map((name) => make("th", { scope: "col" }, name)))), body);
  view.article = make("article", { id: "recall" }, view.head, view.banner,
    make("div", { class: "columns list" },
      make("div", { class: "wide" }, view.table, view.more, view.corrected),
      make("div", { class: "aside" }, view.where, view.values, then(question), view.others)));
  return view;
}

function head(view, { header }, question) {
  const values = header.values.map(({ value }) => value);
  document.title = `Recall by ${word(header.by)} ${values[0]} – Lotline`;
  const from = header.serialNumber === undefined ? null : make("a", { href: deviceLink(header.serialNumber, header.scope), class: "mono" }, header.serialNumber);
  view.table.rows[0].cells[1].textContent = `Why: ${word(header.by)}`;
  Object.assign(view.article.dataset, { by: header.by, serial: header.serialNumber ?? "" });
  put(view.head, 
    make("div", {},
      make("p", { class: "kicker" }, from ? make("span", {}, "All units that ever shared a ", word(header.by), " with ", from) : `All units that were ever in this ${word(header.by)}`),
      make("h1", {}, `${title(header.by)} `, make("span", { class: "mono" }, values.slice(0, 3).join(", ")), values.length > 3 && ` and ${values.length - 3} more`)),
    actions(question));
  put(view.values, make("h2", {}, `${title(header.by)}: ${values.length === 1 ? "its value" : `its ${values.length} values`}`),
    make("ul", { class: "plain" }, header.values.map(({ value, since, until }) => make("li", { data: { value } },
      make("a", { class: "mono", href: groupLink(header.by, value) }, value),
      since && make("span", { class: "soft" }, " since ", time(since), until && " until ", until && time(until))))));
}

/** The time asked for. */
function then(question) {
  const pad = (value) => String(value).padStart(2, "0");
  const field = make("input", { id: "as-of", type: "datetime-local", step: "1", "aria-label": "As of this time" });
  if (question.asOf && !Number.isNaN(Date.parse(question.asOf))) {
    const at = new Date(question.asOf);
    field.value = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  }
  const go = (asOf) => { location.hash = `#/recall${query({ ...question, asOf })}`; };
  return make("form", { id: "as-of-form", class: "card", on: {
    submit: (event) => {
      event.preventDefault();
      if (field.value) go(new Date(field.value).toISOString());
    },
  } },
    make("h2", {}, "As of another time"),
    make("div", { class: "line" }, field, make("button", { id: "as-of-show" }, "Show"),
      question.asOf && make("button", { type: "button", id: "as-of-now", on: { click: () => go(undefined) } }, "Now")));
}

/** A unit as a row. */
function row(unit) {
  const place = (one, all, dimension) => {
    const places = all ?? (one === undefined ? [] : [one]);
    if (places.length === 0) return make("span", { class: "soft" }, "–");
    return places.flatMap((id, n) => [n > 0 && " or ", make("a", { class: "mono", href: groupLink(dimension, id) }, id)]);
  };
  const marks = [
    unit.contested && pill("warn", "contested"),
    !unit.current && pill("", unit.until ? "left, still affected" : "not now"),
  ].filter(Boolean);
  return make("tr", { data: { unit: unit.serialNumber, scope: unit.scope ?? "", contested: unit.contested ?? false, current: unit.current } },
    make("td", {}, make("a", { class: "mono", href: deviceLink(unit.serialNumber, unit.scope) }, unit.serialNumber), unit.scope && make("span", { class: "soft" }, ` ${unit.scope}`)),
    make("td", {}, make("b", {}, unit.value), " ", make("span", { class: "soft" }, "since ", time(unit.since), unit.until && " until ", unit.until && time(unit.until)), marks.length > 0 && " ", marks),
    make("td", { class: "place" }, place(unit.packageId, unit.packageIds, "packageId")),
    make("td", { class: "place" }, place(unit.palletId, unit.palletIds, "palletId")));
}

function fill(view, list, most) {
  const missing = list.units.slice(view.body.childElementCount, most);
  if (missing.length > 0) view.body.append(...missing.map((unit) => row(unit)));
}

/** While the list comes in: nothing may look final. */
function progress(view, list) {
  if (!list.header) return;
  // A few at a time, so that the page never stands still.
  fill(view, list, Math.min(ROWS, view.body.childElementCount + 60));
  receiving(view.banner, list);
  shownOf(view, list);
}

function shownOf(view, list) {
  const shown = view.body.childElementCount;
  view.more.hidden = shown >= list.count;
  put(view.more, make("b", {}, `Shown ${number(shown)} of ${number(list.count)}.`), " The downloads have all of them.");
}

/** The list has ended as it should. */
function whole(view, list, question) {
  fill(view, list, ROWS);
  const corrected = list.corrected.length > 0 && make("button", {
    type: "button", class: "peek", id: "see-corrected", on: { click: () => view.corrected.scrollIntoView({ block: "start" }) },
  }, `${units(list.corrected.length)} corrected, not counted`);
  announce(ended(view.banner, list, corrected));
  if (list.end.complete) isComplete(view.head, question);
  shownOf(view, list);
  view.where.hidden = list.count === 0;
  put(view.where, make("h2", {}, question.asOf ? "Where they were then" : "Where they are now"), list.spread.picture());
  if (list.count === 0) put(view.more, "No unit is affected.");
  view.more.hidden &&= list.count > 0;
  never(view, list);
}

/** Units that were said to be members by mistake. */
function never(view, list) {
  if (list.corrected.length === 0) return;
  view.corrected.hidden = false;
  const named = list.corrected.slice(0, ROWS);
  put(view.corrected, 
    make("h2", {}, `Not affected: said to be in the group by mistake, and corrected (${number(list.corrected.length)})`),
    make("ul", { class: "chips" }, named.map((unit) => make("li", { data: { corrected: unit.serialNumber } },
      make("a", { class: "mono", href: deviceLink(unit.serialNumber, unit.scope) }, unit.serialNumber), make("span", { class: "soft" }, ` ${unit.value}`)))),
    named.length < list.corrected.length && make("p", { class: "soft" }, `Shown ${number(named.length)}; the NDJSON download has all of them.`));
}

/** The list broke off: it must never look whole. */
function cut(view, list, error) {
  if (list.header) fill(view, list, ROWS);
  view.article.classList.add("cut");
  announce(broken(view.banner, list, error));
  shownOf(view, list);
}

/** The other recalls that begin with the same unit. */
async function others(view, { serial, scope, asOf }, list, signal) {
  const exact = list.header?.scope ?? scope;
  const { groups } = await ask(devicePath(serial, exact, "groups"), signal).catch((error) => {
    if (error.name === "AbortError") throw error;
    return { groups: [] };
  });
  view.others.hidden = groups.length < 2;
  put(view.others, make("h2", {}, "The same unit, by something else"), make("div", { class: "recalls" }, groups.map(({ dimension, values, units: count, more }) =>
    make("a", {
      class: "recall", href: `${recallLink(serial, scope, dimension)}${asOf ? `&${new URLSearchParams({ asOf })}` : ""}`,
      data: { recall: dimension, units: count }, "aria-current": dimension === list.header?.by ? "true" : null,
    }, make("span", { class: "by" }, title(dimension)), make("b", {}, values[0].value, values.length > 1 && make("span", { class: "by" }, ` and ${values.length - 1} more`)), make("span", { class: "count" }, more ? `over ${number(count)}` : number(count))))));
}
