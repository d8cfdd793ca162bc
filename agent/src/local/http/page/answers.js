// The last answer, large, and the few before it.

import { clock, duration, shown, title } from "/words.js";
import * as tones from "/tones.js";

const MOST = 8;
const GREEN_FOR = 30; // seconds; then it is pale, so that an old green is not taken for a new one

const MARKS = {
  accepted: "M14 54 40 80 88 22",
  refused: "M20 20 80 80 M80 20 20 80",
  known: "M50 14v46 M50 78v4",
  done: "M50 12a38 38 0 1 0 .1 0 M50 46v26 M50 27v2",
  none: "M50 12v52 M26 44 50 68 74 44 M16 88h68",
};

const box = document.getElementById("answer");
const part = (name) => document.getElementById(`answer-${name}`);
const history = document.getElementById("history");

// {answer, at: Date} of this lane, the newest first.
let answers = [];
let hint = { title: "…", text: "" };

// `recent`: [{ageMs, answer}], the oldest first; replaces everything that is shown.
export function replace(recent) {
  answers = recent.map(({ ageMs, answer }) => ({ answer, at: new Date(Date.now() - ageMs) })).reverse().slice(0, MOST);
  draw();
}

export function add(answer) {
  answers.unshift({ answer, at: new Date() });
  answers.length = Math.min(answers.length, MOST);
  draw();
  tones.play(answer.outcome);
}

// What the page itself has to say in red, such as a scan that was not answered.
export function complain(text, help) {
  add({ outcome: "refused", code: "page", text, help });
}

// What stands there before the first answer.
export function setHint(given) {
  if (given.title === hint.title && given.text === hint.text) return;
  hint = given;
  if (answers.length === 0) draw();
}

export function lastSerial() {
  return answers.find(({ answer }) => answer.code === "packed" || answer.code === "voided")?.answer;
}

function draw() {
  const newest = answers[0];
  const answer = newest?.answer;
  box.dataset.outcome = answer?.outcome ?? "none";
  box.dataset.code = answer?.code ?? "";
  part("mark").setAttribute("d", MARKS[answer?.outcome ?? "none"] ?? MARKS.none);
  part("title").textContent = answer ? (answer.code === "page" ? "NO ANSWER" : title(answer)) : hint.title;
  const serial = answer?.serial ? shown(answer.serial, 48) : "";
  part("serial").textContent = serial;
  part("serial").hidden = !serial;
  part("serial").dataset.length = serial.length > 26 ? "long" : serial.length > 16 ? "medium" : "short";
  part("text").textContent = answer ? shown(sentence(answer), 180) : hint.text;
  part("help").textContent = answer ? shown(answer.help ?? "", 220) : "";
  history.replaceChildren(...answers.slice(1).map(row));
  age();
  fit();
}

// As large as there is room for, and never cut.
function fit() {
  for (let scale = 1; scale > 0.4; scale -= 0.06) {
    box.style.setProperty("--fit", scale);
    if (box.scrollHeight <= box.clientHeight && box.scrollWidth <= box.clientWidth) return;
  }
}
new ResizeObserver(fit).observe(box);

// Where the serial stands large, a sentence that says only that it is packed adds nothing.
function sentence(answer) {
  return answer.text === `${answer.serial} packed` ? inPackage(answer) : answer.text;
}

function inPackage(answer) {
  const filling = answer.package;
  return filling ? `Unit ${filling.count} of ${filling.size} in package ${filling.id}` : answer.text;
}

function row({ answer, at }) {
  const item = document.createElement("li");
  item.dataset.outcome = answer.outcome;
  const cell = (name, text) => {
    const span = document.createElement("span");
    span.className = name;
    span.textContent = text;
    item.append(span);
  };
  cell("sign", { accepted: "\u2713", refused: "\u2717", done: "\u2022", known: "=" }[answer.outcome] ?? "");
  cell("what", answer.serial ? shown(answer.serial, 40) : shown(answer.text, 80));
  cell("word", answer.code === "packed" ? "" : title(answer).toLowerCase());
  cell("when", clock(at));
  return item;
}

export function age() {
  const newest = answers[0];
  if (!newest) {
    part("age").textContent = "";
    box.dataset.age = "fresh";
    return;
  }
  const seconds = (Date.now() - newest.at) / 1000;
  part("age").textContent = seconds < 2 ? "now" : `${duration(seconds)} ago`;
  // Red stays until the next scan: somebody has to act on it.
  box.dataset.age = seconds > GREEN_FOR && newest.answer.outcome !== "refused" ? "old" : "fresh";
}
