// Questions before something is decided, and lists that are too long for the main view.

const confirmBox = document.getElementById("confirm");
const listBox = document.getElementById("list");
let confirmed = null;
let seen = null;

export function begin() {
  document.getElementById("confirm-no").addEventListener("click", () => confirmBox.close());
  document.getElementById("confirm-yes").addEventListener("click", () => {
    const act = confirmed;
    confirmBox.close();
    act?.();
  });
  confirmBox.addEventListener("close", () => (confirmed = null));
  document.getElementById("list-close").addEventListener("click", () => listBox.close());
  document.getElementById("list-seen").addEventListener("click", () => {
    const act = seen;
    listBox.close();
    act?.();
  });
}

// Asks once. The cursor stands on "no", so that a scanner's Enter decides nothing.
export function question({ title, text, yes, act, kind }) {
  document.getElementById("confirm-title").textContent = title;
  document.getElementById("confirm-text").textContent = text;
  document.getElementById("confirm-yes").textContent = yes;
  confirmBox.dataset.kind = kind;
  confirmed = act;
  open(confirmBox);
  document.getElementById("confirm-no").focus();
}

// What was asked may not hold any more.
export function withdraw() {
  confirmBox.close();
}

// `items`: texts, or elements.
export function list({ title, text, items, onSeen }) {
  document.getElementById("list-title").textContent = title;
  document.getElementById("list-text").textContent = text;
  document.getElementById("list-items").replaceChildren(...items.map((item) => {
    const row = document.createElement("li");
    row.append(item);
    return row;
  }));
  seen = onSeen ?? null;
  document.getElementById("list-seen").hidden = !seen;
  open(listBox);
  document.getElementById("list-close").focus();
}

export function closeList() {
  listBox.close();
}

export function open(dialog) {
  if (!dialog.open) dialog.showModal();
}

export function openOne() {
  return document.querySelector("dialog[open]");
}
