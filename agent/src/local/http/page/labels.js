// Labels: the latest pictures, the one that needs a person's eye, and the decision to print one again.

import { LABEL_STATES, shown } from "/words.js";
import { ask } from "/station.js";
import * as dialogs from "/dialogs.js";
import { guard } from "/presses.js";
import * as tones from "/tones.js";

const SHOWN = 3;
const LISTED = 40;
const ASKED = 200; // of all lanes

const byId = (id) => document.getElementById(id);
const box = byId("label");
const doubt = byId("doubt");
const doubtPresses = guard(doubt);
const boxPresses = guard(box);
const TRIED = "could not be drawn before";
let lane = "";
let lanes = {};
let jobs = new Map();
let last = 0; // sequence of the newest status
let statuses = 0;
let decided = null; // what the station was told, until a status says what became of it
let asked = null; // the label of the banner
let opened = null; // the label of the dialog
let known = new Set();
let busy = false;

export function begin() {
  byId("all-labels").addEventListener("click", () => void all());
  byId("doubt-look").addEventListener("click", () => asked && show(asked));
  byId("doubt-came-out").addEventListener("click", () => asked && void decide(asked, "came-out", {}, byId("doubt-why")));
  byId("doubt-again").addEventListener("click", () => {
    if (!asked) return;
    const reason = asked.state === "failed" ? TRIED : "no label came out";
    void decide(asked, "again", { reason }, byId("doubt-why"));
  });
  byId("label-close").addEventListener("click", () => box.close());
  byId("label-came-out").addEventListener("click", () => opened && void decide(opened, "came-out", {}, byId("label-said")));
  byId("label-again").addEventListener("click", () => {
    if (opened && neverOut(opened)) again(TRIED);
    else reasons(true);
  });
  byId("label-reasons-back").addEventListener("click", () => reasons(false));
  for (const button of box.querySelectorAll("[data-reason]")) {
    button.addEventListener("click", () => again(button.dataset.reason));
  }
  byId("label-reasons").addEventListener("submit", (event) => {
    event.preventDefault();
    again(byId("label-reason").value);
  });
  box.addEventListener("close", () => {
    if (!box.open) opened = null;
  });
  byId("doubt-picture").addEventListener("error", () => (byId("doubt-look").hidden = true));
  byId("label-picture").addEventListener("error", () => missing(true));
  byId("label-picture").addEventListener("load", () => missing(false));
}

// What a person sees of a label when deciding about it.
function mark(job) {
  return job ? `${job.id} ${job.state} ${job.prints}` : "";
}

// There is no label of it that would have to be destroyed.
function neverOut(job) {
  return job.state === "failed" && job.prints === 0;
}

// Labels of a lane that is not there any more belong to every screen: nobody else would see them.
function isOwn(job) {
  return job.lane === lane || !(job.lane in lanes);
}

export function update(status, ownLane) {
  const labels = status.labels;
  lane = ownLane;
  lanes = status.lanes;
  last = status.last;
  statuses += 1;
  jobs = new Map([...labels.attention, ...labels.latest].map((job) => [job.id, job]));
  const attention = labels.attention.filter(isOwn).sort((one, other) => one.id - other.id);
  const counts = Object.entries(labels.attentionByLane).filter(([lane]) => isOwn({ lane }));
  banner(attention, counts.reduce((sum, [, count]) => sum + count, 0));
  const latest = labels.latest.filter(isOwn).sort((one, other) => other.id - one.id).slice(0, SHOWN);
  byId("labels").hidden = latest.length === 0;
  thumbnails(latest);
  if (opened && jobs.has(opened.id)) fill(jobs.get(opened.id));
  release();
}

function banner(attention, count) {
  const fresh = attention.filter((job) => !known.has(`${job.id} ${job.prints}`));
  known = new Set(attention.map((job) => `${job.id} ${job.prints}`));
  if (fresh.length > 0) tones.play("look");
  asked = attention[0] ?? null;
  doubt.hidden = !asked;
  document.body.classList.toggle("doubtful", Boolean(asked));
  doubtPresses.show(mark(asked));
  if (!asked) return;
  const more = count > 1 ? ` (1 of ${count})` : "";
  const failed = asked.state === "failed";
  doubt.dataset.label = asked.id;
  doubt.dataset.state = asked.state;
  byId("doubt-question").textContent = failed
    ? `The label ${asked.sscc} cannot be printed${more}`
    : `Did the label ${asked.sscc} come out?${more}`;
  const place = asked.lane === lane ? `Printer ${asked.printer}` : `Lane ${asked.lane}, printer ${asked.printer}`;
  if (!busy) byId("doubt-why").textContent = shown(`${place}${asked.why ? `: ${asked.why}` : ""}`, 160);
  byId("doubt-came-out").hidden = failed;
  byId("doubt-look").hidden = failed;
  const image = byId("doubt-picture");
  if (!failed && image.dataset.label !== String(asked.id)) {
    image.dataset.label = asked.id;
    image.src = picture(asked);
  }
  byId("doubt-again").textContent = failed ? "Try again" : "No label: print it";
}

function picture(job) {
  return `/v1/labels/${job.id}.png`;
}

function thumbnails(latest) {
  const list = byId("label-list");
  const signature = JSON.stringify(latest.map((job) => [job.id, job.state, job.prints]));
  if (list.dataset.drawn === signature) return;
  list.dataset.drawn = signature;
  list.replaceChildren(...latest.map((job) => {
    const item = document.createElement("li");
    item.append(thumbnail(job));
    return item;
  }));
}

function thumbnail(job) {
  const [, word, kind] = LABEL_STATES[job.state] ?? ["", job.state, "plain"];
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.label = job.id;
  button.dataset.state = job.state;
  const image = document.createElement("img");
  image.alt = `Label ${job.sscc}`;
  // One whose template has a fault cannot be drawn.
  image.addEventListener("error", () => image.replaceWith(Object.assign(document.createElement("em"), { textContent: "not drawn" })));
  image.src = picture(job);
  const level = document.createElement("b");
  level.textContent = what(job);
  const end = document.createElement("span");
  end.className = "mono";
  end.textContent = `…${job.sscc.slice(-6)}`;
  const state = document.createElement("span");
  state.className = `pill ${kind}`;
  state.textContent = word;
  button.append(image, level, end, state);
  button.addEventListener("click", () => show(jobs.get(job.id) ?? job));
  return button;
}

function show(job) {
  dialogs.closeList();
  opened = job;
  boxPresses.fresh();
  reasons(false);
  byId("label-said").textContent = "";
  byId("label-picture").src = picture(job);
  fill(job);
  dialogs.open(box);
  byId("label-close").focus();
}

function fill(job) {
  if (mark(opened) !== mark(job)) {
    byId("label-picture").src = picture(job);
    reasons(false);
  }
  opened = job;
  boxPresses.show(mark(job));
  box.dataset.label = job.id;
  box.dataset.state = job.state;
  const [word, , kind] = LABEL_STATES[job.state] ?? [job.state, "", "plain"];
  byId("label-title").textContent = `${what(job)} label ${job.sscc}`;
  byId("label-state").textContent = word;
  byId("label-state").className = `pill ${kind}`;
  byId("label-why").textContent = shown(job.why, 300);
  const facts = {
    "Printer": job.printer,
    "Copies": job.copies,
    "Sent to the printer": job.prints === 1 ? "once" : `${job.prints} times`,
    "Closed": new Date(job.at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }),
  };
  byId("label-facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), { textContent: shown(value, 80) }),
  ]));
  byId("label-came-out").hidden = job.state !== "doubtful";
  byId("label-again").hidden = job.state === "waiting" || job.state === "sending";
  byId("label-again").textContent = job.state === "failed" ? "Try again" : "Print again";
}

function missing(is) {
  byId("label-picture").hidden = is;
  byId("label-missing").hidden = !is;
}

function reasons(open) {
  if (byId("label-reasons").hidden === open) boxPresses.fresh();
  byId("label-reasons").hidden = !open;
  byId("label-choices").hidden = open;
  if (!open) byId("label-reason").value = "";
}

function again(reason) {
  if (!opened) return;
  if (!reason.trim()) {
    byId("label-said").textContent = "Write a reason, or choose one.";
    byId("label-reason").focus();
    return;
  }
  void decide(opened, "again", { reason: reason.trim() }, byId("label-said"));
}

// Sends a person's decision once, with what the person saw; what the station says of it comes as an answer as well.
async function decide(job, what, body, place) {
  if (busy) return;
  busy = true;
  decided = { id: job.id, was: mark(jobs.get(job.id)), isOver: () => false };
  lock(true);
  place.textContent = "Telling the station …";
  try {
    const answer = await ask(`/v1/labels/${job.id}/${what}`, { ...body, prints: job.prints });
    place.textContent = shown(`${answer.text}${answer.help ? `. ${answer.help}` : ""}`, 300);
    reasons(false);
    // The status does not follow an older label.
    const state = what === "again" ? "waiting" : "printed";
    if (answer.outcome === "done" && opened?.id === job.id && !jobs.has(job.id)) fill({ ...opened, state });
    const [records, from] = [answer.records, statuses];
    decided.isOver = () => (records ? last >= records[1] : statuses > from);
  } catch (error) {
    place.textContent = shown(`Not decided: ${error.message} Try again.`, 300);
    decided.isOver = () => true;
  } finally {
    busy = false;
    release();
  }
}

function lock(is) {
  doubtPresses.lock(is);
  boxPresses.lock(is);
}

function release() {
  if (busy || !decided) return;
  if (mark(jobs.get(decided.id)) === decided.was && !decided.isOver()) return;
  decided = null;
  lock(false);
}

async function all() {
  let labels;
  try {
    labels = await ask(`/v1/labels?most=${ASKED}`);
  } catch (error) {
    return dialogs.list({ title: "Labels", text: shown(error.message, 300), items: [] });
  }
  const own = labels.filter(isOwn).slice(0, LISTED);
  dialogs.list({ title: "Labels", text: "The newest first. Touch one to see it, or to print it again.", items: own.map(thumbnail) });
}

function what(job) {
  if (job.unit) return "Unit";
  return job.level === "pallet" ? "Pallet" : "Package";
}
