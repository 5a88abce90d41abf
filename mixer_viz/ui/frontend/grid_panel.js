// Draws a panel of linked grids: hovering or picking a token in one marks the same token in all of them, also in other
// panels that follow. One panel of a page is told the selection by the server; the others follow it in the browser, so
// that their data stay the same from token to token and need not be sent again.

const shared = (window.mixerVizSelection ??= Object.assign(new EventTarget(), { selected: null, hovered: null }));
const publish = (change) => {
  Object.assign(shared, change);
  shared.dispatchEvent(new Event("change"));
};

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const MINUS = "\u2212";
const number = (value) => {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 0.01 || size >= 10000) ? size.toExponential(2) : size.toPrecision(3);
  return (value < 0 ? MINUS : "") + text;
};

function decode(grid) {
  if (!grid.values) return null;
  const raw = bytes(grid.values);
  const levels = grid.coarse ? raw : new Float32Array(raw.buffer);
  const step = (grid.high - grid.low) / 255;
  const value = grid.coarse ? (i) => grid.low + levels[i] * step : (i) => levels[i];
  const level = grid.coarse
    ? (i) => levels[i]
    : (i) => Math.round(Math.min(1, Math.max(0, (levels[i] - grid.low) / (grid.high - grid.low))) * 255);
  return { value, level };
}

function paintValues(grid, decoded) {
  const canvas = document.createElement("canvas");
  canvas.width = grid.columns;
  canvas.height = grid.rows;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(grid.columns, grid.rows);
  const colours = bytes(grid.colours);
  for (let i = 0; i < grid.rows * grid.columns; i++) {
    const from = 3 * decoded.level(i);
    picture.data.set([colours[from], colours[from + 1], colours[from + 2], 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

function outline(context, grid, index, ratio, colour, thick) {
  if (index == null || index < 0) return;
  const { width, height } = context.canvas;
  const byRow = grid.select === "row";
  if (index >= (byRow ? grid.rows : grid.count)) return;
  const w = byRow ? width : width / grid.columns;
  const h = height / grid.rows;
  const x = byRow ? 0 : (index % grid.columns) * w;
  const y = (byRow ? index : Math.floor(index / grid.columns)) * h;
  const grow = Math.max(0, 3 * ratio - Math.min(w, h) / 2); // a thin row or a tiny cell still shows its mark
  const box = [x - grow, y - grow, w + 2 * grow, h + 2 * grow];
  if (Math.min(w, h) < 14 * ratio && !byRow) thick = 1.5; // on tiny cells a thick mark would hide its neighbours
  context.lineWidth = (thick + 2) * ratio;
  context.strokeStyle = "#ffffff";
  context.strokeRect(...box);
  context.lineWidth = thick * ratio;
  context.strokeStyle = colour;
  context.strokeRect(...box);
}

function draw(item, panel) {
  const { grid, canvas } = item;
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(width / grid.aspect));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  if (item.photo && item.photo.complete && item.photo.naturalWidth) {
    context.imageSmoothingEnabled = grid.smooth;
    context.drawImage(item.photo, 0, 0, width, height);
  }
  if (item.painted) {
    context.imageSmoothingEnabled = false;
    context.globalAlpha = item.photo ? grid.opacity : 1;
    context.drawImage(item.painted, 0, 0, width, height);
    context.globalAlpha = 1;
  }
  if (grid.lines) {
    context.lineWidth = ratio;
    for (const [colour, shift] of [["rgba(0,0,0,0.35)", 0.5 * ratio], ["rgba(255,255,255,0.65)", -0.5 * ratio]]) {
      context.strokeStyle = colour;
      context.beginPath();
      for (let c = 1; c < grid.columns; c++) {
        const x = (c * width) / grid.columns + shift;
        context.moveTo(x, 0);
        context.lineTo(x, height);
      }
      for (let r = 1; r < grid.rows; r++) {
        const y = (r * height) / grid.rows + shift;
        context.moveTo(0, y);
        context.lineTo(width, y);
      }
      context.stroke();
    }
  }
  const accent = getComputedStyle(panel.root).getPropertyValue("--st-primary-color").trim() || "#c2410c";
  if (grid.select !== "none") {
    outline(context, grid, shared.selected, ratio, accent, 2.5);
    if (shared.hovered !== shared.selected) outline(context, grid, shared.hovered, ratio, "#1a1d21", 1.5);
  }
}

function describe(item, cell) {
  const { grid } = item;
  if (cell >= grid.count) return "";
  if (grid.hover) return grid.hover[cell] ?? "";
  const row = Math.floor(cell / grid.columns);
  const column = cell % grid.columns;
  const place = grid.select === "row" ? `token ${row}, channel ${column}`
    : grid.rows === 1 ? `${grid.cell} ${column}` : `${grid.cell} ${cell} (row ${row}, column ${column})`;
  if (!item.decoded) return place;
  return `${place}: ${grid.quantity} ${grid.coarse ? "\u2248 " : ""}${number(item.decoded.value(cell))}${grid.unit && " " + grid.unit}`;
}

function build(root, stacks) {
  root.replaceChildren();
  const homes = stacks.flatMap((size) => {
    const stack = document.createElement("div");
    stack.className = "stack";
    root.append(stack);
    return Array(size).fill(stack);
  });
  return homes.map((home) => {
    const figure = document.createElement("figure");
    figure.innerHTML = '<div class="head"><b></b><span></span></div><canvas role="img"></canvas>'
      + '<div class="scale"><span></span><i></i><span></span></div><div class="quantity"></div>';
    home.append(figure);
    return { figure, canvas: figure.querySelector("canvas"), photo: null };
  });
}

function fill(item, grid, redraw) {
  item.grid = grid;
  const [title, shape] = item.figure.querySelectorAll(".head > *");
  title.textContent = grid.title;
  title.hidden = !grid.title;
  shape.textContent = grid.shape;
  item.figure.querySelector(".head").hidden = !grid.title && !grid.shape;
  item.figure.style.width = `${grid.width}px`;
  item.figure.classList.toggle("small", grid.width < 120);
  item.figure.style.maxWidth = "100%";
  item.canvas.style.aspectRatio = String(grid.aspect);
  item.canvas.setAttribute("aria-label", grid.description);
  item.canvas.tabIndex = grid.select === "none" ? -1 : 0;
  item.canvas.className = grid.select === "none" ? "" : "pick";
  if (grid.photo !== (item.photo && item.photo.src)) {
    item.photo = grid.photo ? new Image() : null;
    if (item.photo) {
      item.photo.onload = redraw;
      item.photo.src = grid.photo;
    }
  }
  item.decoded = decode(grid);
  item.painted = item.decoded && paintValues(grid, item.decoded);
  const scale = item.figure.querySelector(".scale");
  const scaled = item.decoded && grid.show_scale;
  scale.style.display = scaled ? "flex" : "none";
  item.figure.querySelector(".quantity").textContent = scaled ? grid.quantity : "";
  if (!scaled) return;
  const [low, high] = scale.querySelectorAll("span");
  low.textContent = number(grid.low);
  high.textContent = number(grid.high);
  const colours = bytes(grid.colours);
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((k) => `rgb(${colours.slice(3 * k, 3 * k + 3).join(",")})`);
  scale.querySelector("i").style.background = `linear-gradient(to right, ${stops.join(",")})`;
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function listen(item, pick, say) {
  const cellAt = (event) => {
    const { grid, canvas } = item;
    const box = canvas.getBoundingClientRect();
    const column = Math.min(grid.columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * grid.columns)));
    const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * grid.rows)));
    return { cell: row * grid.columns + column, token: item.grid.select === "row" ? row : row * grid.columns + column };
  };
  item.canvas.onpointermove = (event) => {
    const { cell, token } = cellAt(event);
    say(describe(item, cell));
    const hovered = item.grid.select === "none" ? null : token;
    if (hovered !== shared.hovered) publish({ hovered });
  };
  item.canvas.onpointerleave = () => {
    say("");
    publish({ hovered: null });
  };
  item.canvas.onclick = (event) => item.grid.select !== "none" && pick(item, cellAt(event).token);
  item.canvas.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step || item.grid.select === "none") return;
    event.preventDefault();
    const { grid } = item;
    const across = grid.select === "row" ? 1 : grid.columns;
    const move = step[0] * across + (grid.select === "row" ? 0 : step[1]);
    pick(item, (shared.selected ?? 0) + move);
  };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".panel");
  const readout = parentElement.querySelector(".readout");
  const panel = (root.panelState ??= { items: [], root });
  const layout = data.stacks.join();
  if (panel.layout !== layout) Object.assign(panel, { layout, items: build(root, data.stacks) });
  const redraw = () => panel.items.forEach((item) => item.grid && draw(item, panel));
  const say = (text) => { readout.textContent = text || data.hint; };
  const pick = (item, token) => {
    const limit = item.grid.select === "row" ? item.grid.rows : item.grid.count;
    if (token < 0 || token >= limit || token === shared.selected) return;
    publish({ selected: token });
    setTriggerValue("picked", token);
  };
  data.grids.forEach((grid, i) => {
    fill(panel.items[i], grid, redraw);
    listen(panel.items[i], pick, say);
  });
  say("");
  if (data.selected != null) publish({ selected: data.selected });
  redraw();
  shared.addEventListener("change", redraw);
  const observer = new ResizeObserver(redraw);
  observer.observe(root);
  return () => {
    shared.removeEventListener("change", redraw);
    observer.disconnect();
  };
}
