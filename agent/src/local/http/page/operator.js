// The operator's page: what the station says, as it says it. Text from scans only ever becomes text.

import * as answers from "/answers.js";
import * as commands from "/commands.js";
import * as dialogs from "/dialogs.js";
import * as filling from "/filling.js";
import * as labels from "/labels.js";
import * as station from "/station.js";
import * as tones from "/tones.js";
import { delivery, queue, shown, troubles } from "/words.js";

const LANE = "lotline-lane";
const OFFLINE = "lotline-offline";

const byId = (id) => document.getElementById(id);
let lane = localStorage.getItem(LANE) ?? "";
let status = null;
let recent = [];
let settings = { commands: {} };
let lastTold = 0; // sequence of the newest answer: an older status says less than it
let sending = Promise.resolve();

const own = (answer) => answer.lane === lane;

station.begin({
  status: (given) => {
    status = given;
    chooseLane();
    draw();
  },
  recent: (given) => {
    recent = given;
    answers.replace(recent.filter(({ answer }) => own(answer)));
  },
  answer: (answer) => {
    recent = [...recent.slice(-31), { ageMs: 0, answer }];
    if (!own(answer)) return;
    lastTold = Math.max(lastTold, answer.records?.[1] ?? 0);
    dialogs.withdraw();
    if (answer.package || answer.pallet) drawFilling(answer);
    answers.add(answer);
  },
  lost: () => {
    filling.forget();
    tones.play("look");
  },
  connected: () => {
    lastTold = 0;
    void loadSettings();
    focusScan();
  },
});

async function loadSettings() {
  try {
    settings = await station.ask("/v1/settings");
    filling.sizes(settings);
    commands.use(settings);
  } catch {
    setTimeout(() => void loadSettings(), 2000);
  }
  if (status) draw();
}

// ---- lanes

function chooseLane() {
  const names = Object.keys(status.lanes);
  const before = lane;
  if (!names.includes(lane)) lane = names[0] ?? "";
  const select = byId("lane");
  select.hidden = names.length < 2;
  byId("lane-name").hidden = names.length > 1;
  byId("lane-name").textContent = lane === "main" ? "" : shown(lane, 40);
  if (select.dataset.names !== names.join("\n")) {
    select.dataset.names = names.join("\n");
    select.replaceChildren(...names.map((name) => new Option(shown(name, 40), name)));
  }
  select.value = lane;
  // Until somebody has said which lane this screen stands at, it may show another one's.
  select.dataset.chosen = localStorage.getItem(LANE) === lane ? "yes" : "no";
  if (before && before !== lane) changedLane();
}

function changedLane() {
  filling.forget();
  lastTold = 0;
  answers.replace(recent.filter(({ answer }) => own(answer)));
}

byId("lane").addEventListener("change", (event) => {
  lane = event.target.value;
  remember();
  changedLane();
  draw();
  focusScan();
});
// Who looked at the choice and left it has chosen, too.
byId("lane").addEventListener("blur", remember);

function remember() {
  localStorage.setItem(LANE, lane);
  byId("lane").dataset.chosen = "yes";
}

// ---- what is shown of a status

function draw() {
  const here = status.lanes[lane] ?? {};
  byId("station").textContent = shown(status.station, 64);
  document.title = `${status.station} – Lotline`;
  byId("work-order").textContent = here.workOrder ? shown(here.workOrder, 40) : "none";
  byId("order").dataset.state = here.workOrder ? "set" : "none";
  byId("waiting-order").hidden = !here.waitingWorkOrder;
  byId("waiting-order").textContent = here.waitingWorkOrder ? `then ${shown(here.waitingWorkOrder, 32)}` : "";
  answers.setHint(here.workOrder
    ? { title: "READY", text: here.package?.count > 0 ? "Scan the next unit." : "Scan the first unit." }
    : { title: "READY", text: "Scan the work order, then the first unit." });
  if (status.last >= lastTold) {
    filling.draw("package", here.package ?? null, "full: close it");
    filling.draw("pallet", here.pallet ?? null, here.package ? "full with this one" : "full: close it");
    allow(here.package, here.pallet);
  }
  drawQueue();
  drawTroubles();
  labels.update(status, lane);
}

// Only what there is something to do with can be touched.
function allow(open, pallet) {
  const { voidLast, closePackage, closePallet } = settings.commands;
  byId("void-last").disabled = !(open?.count > 0) || !voidLast;
  byId("close-package").disabled = !(open?.count > 0) || !closePackage;
  byId("close-pallet").disabled = !(pallet?.count > 0) || open?.count > 0 || !closePallet;
}

function drawFilling(answer) {
  // A full one is closed at once where it is closed by itself: only the status knows.
  filling.draw("package", answer.package ?? null, "full");
  filling.draw("pallet", answer.pallet ?? null, "full");
  if (answer.package?.count < answer.package?.size && answer.code !== "package-closed") allow(answer.package, answer.pallet);
}

function drawQueue() {
  const connected = status.notices.uplink.connected;
  // Since when is known only where this page saw it go.
  const before = sessionStorage.getItem(OFFLINE);
  if (connected) sessionStorage.setItem(OFFLINE, "connected");
  else if (before === "connected") sessionStorage.setItem(OFFLINE, new Date().toISOString());
  const since = sessionStorage.getItem(OFFLINE);
  const offline = !connected && since && since !== "connected" ? new Date(since) : null;
  const words = queue(status, offline);
  byId("queue").dataset.state = words.state;
  byId("queue-text").textContent = words.text;
  byId("queue-help").textContent = words.help;
}

function drawTroubles() {
  const found = troubles(status, lane);
  const open = unseen();
  const rows = found.slice(0, open ? 1 : 2).map((trouble) => {
    const row = document.createElement("li");
    row.dataset.level = trouble.level;
    const strong = document.createElement("strong");
    strong.textContent = `${trouble.text}. `;
    row.append(strong, trouble.help);
    return row;
  });
  if (open) rows.push(notConfirmedRow(open));
  const hidden = found.length - Math.min(found.length, open ? 1 : 2);
  const more = byId("more-troubles");
  more.hidden = hidden === 0;
  more.textContent = `${hidden} more`;
  byId("troubles").hidden = rows.length === 0;
  const signature = JSON.stringify([found, open?.length, hidden]);
  const list = byId("trouble-list");
  if (list.dataset.drawn === signature) return;
  list.dataset.drawn = signature;
  list.replaceChildren(...rows);
}

byId("queue").addEventListener("click", () => {
  dialogs.list({ title: byId("queue-text").textContent, text: "", items: delivery(status) });
});

byId("troubles").addEventListener("click", (event) => {
  if (event.target.closest("#not-confirmed")) return;
  const items = troubles(status, lane).map((trouble) => `${trouble.text}. ${trouble.help}`);
  dialogs.list({ title: "What needs attention", text: "", items });
});

// ---- recorded before the last stop, perhaps not confirmed

// The station forgets what somebody has seen: on every screen.
function unseen() {
  return status.notConfirmed?.length > 0 ? status.notConfirmed : null;
}

function notConfirmedRow(sentences) {
  const row = document.createElement("li");
  row.dataset.level = "warn";
  row.id = "not-confirmed";
  const strong = document.createElement("strong");
  strong.textContent = sentences.length === 1
    ? "1 record from before the last stop was perhaps not confirmed to you. "
    : `${sentences.length} records from before the last stop were perhaps not confirmed to you. `;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Show";
  button.addEventListener("click", () => dialogs.list({
    title: "Recorded before the last stop",
    text: "The station stopped before it could show these as green. They are on record: look whether they are packed. Scanning one again changes nothing.",
    items: sentences.map((sentence) => shown(sentence, 200)),
    onSeen: () => {
      station.ask("/v1/not-confirmed/seen", { sentences }).then((left) => {
        status = left;
        draw();
      }).catch((error) => dialogs.list({ title: "Not noted", text: error.message, items: [] }));
    },
  }));
  row.append(strong, button);
  return row;
}

// ---- scans and commands from this page

function send(text) {
  // One after the other, in the order in which they were scanned. The answer itself comes as an event.
  const to = lane;
  sending = sending.then(() => station.ask("/v1/scans", { text, lane: to })).catch((error) => {
    answers.complain(`No answer for ${shown(text, 60)}`, `${error.message} Do not count it as packed: scan it again.`);
  });
}

const scanText = byId("scan-text");
byId("scan-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = scanText.value;
  scanText.value = "";
  if (text) send(text);
  focusScan();
});
// No keyboard covers the page while a scanner types; a touch into the field brings it.
scanText.addEventListener("pointerdown", () => (scanText.inputMode = "text"));
scanText.addEventListener("blur", () => (scanText.inputMode = "none"));

function focusScan() {
  if (!dialogs.openOne()) scanText.focus({ preventScroll: true });
}

// A scanner that types like a keyboard is heard wherever the cursor is. What it types answers no question.
addEventListener("keydown", (event) => {
  if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
  dialogs.openOne()?.close();
  focusScan();
}, true);

const QUESTIONS = {
  closePackage: () => {
    const open = status.lanes[lane]?.package;
    const few = open && open.count < open.size ? ` It is not full: ${open.count} of ${open.size}.` : "";
    return {
      title: `Close the package with ${open?.count ?? 0} units?`,
      text: `Nothing can be added to ${open?.id ?? "it"} or taken out of it by this page afterwards.${few}`,
      yes: "Close the package",
    };
  },
  closePallet: () => {
    const open = status.lanes[lane]?.pallet;
    const few = open && open.count < open.size ? ` It is not full: ${open.count} of ${open.size}.` : "";
    return {
      title: `Close the pallet with ${open?.count ?? 0} packages?`,
      text: `No package can be added to ${open?.id ?? "it"} afterwards.${few}`,
      yes: "Close the pallet",
    };
  },
  voidLast: () => {
    const last = answers.lastSerial();
    const which = last?.code === "packed" && last.package?.id === status.lanes[lane]?.package?.id
      ? `${shown(last.serial, 60)} is` : "The unit that was packed last is";
    return {
      title: "Take the last unit back?",
      text: `${which} taken out of the open package, as if it had never been in it. Put it out of the box; it can be scanned again.`,
      yes: "Take it back",
    };
  },
};

for (const button of document.querySelectorAll("#commands [data-command]")) {
  const name = button.dataset.command;
  button.addEventListener("click", () => dialogs.question({
    ...QUESTIONS[name](),
    kind: name,
    act: () => send(settings.commands[name]),
  }));
}

// ---- begin

tones.begin();
dialogs.begin();
labels.begin();
commands.begin(() => lane);
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", focusScan);
setInterval(answers.age, 1000);
