// How far package and pallet are filled: drawn as slots up to a size at which they can be told apart, else as a bar.

const MOST_CELLS = 60;

// What is shown of each holder, so that a closed one stays to be seen until the next one opens.
const last = { package: null, pallet: null };

const size = { package: 0, pallet: 0 };

export function sizes({ packageSize, palletSize }) {
  size.package = packageSize;
  size.pallet = palletSize;
}

export function forget() {
  last.package = null;
  last.pallet = null;
}

// `filling` is {id, count, size} or null where none is open; `word` stands beside a full one.
export function draw(kind, filling, word) {
  const box = document.getElementById(kind);
  const closed = !filling && last[kind];
  const drawn = filling ?? last[kind] ?? { id: "", count: 0, size: size[kind] };
  last[kind] = filling ?? last[kind];
  const state = filling ? (filling.count >= filling.size ? "full" : "open") : closed ? "closed" : "none";
  const signature = JSON.stringify([drawn, state, word]);
  if (box.dataset.drawn === signature) return;
  box.dataset.drawn = signature;
  box.dataset.state = state;
  const part = (name) => document.getElementById(`${kind}-${name}`);
  part("count").textContent = drawn.count;
  part("size").textContent = drawn.size ? ` of ${drawn.size}` : "";
  part("id").textContent = drawn.id;
  part("state").textContent = { none: "The next unit opens one", open: "", full: word, closed: "closed" }[state];
  cells(part("cells"), drawn);
}

function cells(box, filling) {
  const { count, size } = filling;
  const bar = size > MOST_CELLS;
  const wanted = bar ? 1 : size;
  box.classList.toggle("bar", bar);
  while (box.children.length > wanted) box.lastChild.remove();
  while (box.children.length < wanted) box.append(document.createElement("i"));
  if (bar) {
    const share = Math.min(100, (count * 100) / size);
    box.firstChild.className = "";
    box.firstChild.style.width = `${share}%`;
    return;
  }
  box.style.setProperty("--columns", columns(size));
  [...box.children].forEach((cell, index) => {
    const full = index < count;
    cell.className = full ? (index === count - 1 ? "full last" : "full") : "";
    cell.style.removeProperty("width");
  });
}

// Rows of five or ten are counted at a glance; else about three times as wide as high.
function columns(size) {
  if (size <= 6) return size;
  if (size <= 10) return Math.ceil(size / 2);
  if (size % 10 === 0 && size <= 40) return 10;
  return Math.ceil(Math.sqrt(size * 3));
}
