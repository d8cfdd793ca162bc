// Commands beside those that everybody needs every minute: what they are done with is scanned or typed here, or afterwards.

import * as dialogs from "/dialogs.js";
import * as presses from "/presses.js";
import { ask } from "/station.js";
import { shown } from "/words.js";

const byId = (id) => document.getElementById(id);
const box = byId("more");

// In the order in which they are needed: name of the command, its word, what it says, and what it needs.
const COMMANDS = [
  ["move", "Move", "what into"],
  ["takeOut", "Take out", "what why"],
  ["scrap", "Scrap", "what why"],
  ["hold", "Hold", "what why"],
  ["release", "Release", "what why"],
  ["reopen", "Open again", "what why"],
  ["labelAgain", "Print label again", "what why"],
  ["correct", "Correct a mistake", "what into"],
  ["seal", "Seal", "what"],
  ["finish", "Finish", ""],
  ["signOff", "Sign off", ""],
  ["cancel", "Cancel", ""],
];
const ROLES = {
  pack: "Pack", palletise: "Palletise", test: "Test", assemble: "Assemble", despatch: "Despatch", recount: "Recount", check: "Check",
};

let lane = () => "";
let settings = { commands: {} };
let guard = null;

// `current` says the lane that the screen stands at.
export function begin(current) {
  lane = current;
  guard = presses.guard(box);
  byId("more-open").addEventListener("click", open);
  byId("more-close").addEventListener("click", () => box.close());
  byId("more-form").addEventListener("submit", (event) => event.preventDefault());
}

export function use(given) {
  settings = given;
}

function open() {
  for (const id of ["more-what", "more-into", "more-why"]) byId(id).value = "";
  byId("more-said").textContent = "";
  byId("more-reasons").replaceChildren(...(settings.reasons ?? []).map((reason) => new Option(reason)));
  const known = COMMANDS.filter(([name]) => settings.commands[name]);
  const roles = settings.roles?.[lane()] ?? [];
  // Packing and palletising go together: they are one task.
  const tasks = roles.filter((role) => role !== "palletise" || !roles.includes("pack"));
  const buttons = known.map(([name, text]) => button(text, word(name)));
  if (tasks.length > 1) buttons.push(...tasks.map((role) => button(`Task: ${ROLES[role] ?? role}`, `role-${role}`)));
  byId("more-commands").replaceChildren(...buttons);
  dialogs.open(box);
  guard.fresh();
  byId("more-what").focus();
}

// `takeOut` is `take-out` to the station; labels are printed again by `label-again`.
function word(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function button(text, command) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.dataset.command = command;
  made.dataset.decides = "";
  made.addEventListener("click", () => void send(command));
  return made;
}

async function send(command) {
  guard.lock(true);
  const body = { command, lane: lane() };
  const add = (name, id) => {
    const value = byId(id).value.trim();
    if (value) body[name] = value;
  };
  add("text", "more-what");
  add("into", "more-into");
  add("reason", "more-why");
  try {
    const answer = await ask("/v1/commands", body);
    if (answer.outcome === "refused") byId("more-said").textContent = `${shown(answer.text, 200)}. ${shown(answer.help ?? "", 200)}`;
    else box.close();
  } catch (error) {
    byId("more-said").textContent = error.message;
  } finally {
    guard.lock(false);
    guard.fresh();
  }
}
