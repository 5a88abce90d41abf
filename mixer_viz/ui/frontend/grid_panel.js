// Draws a panel of linked grids: hovering or picking a token in one marks the same token in all of them, also in other
// panels that follow. One panel of a page is told the selection by the server; the others follow it in the browser, so
// that their data stay the same from token to token and need not be sent again. Tokens and hidden units are selected
// apart from each other: a panel marks one kind.

const shared = (window.mixerVizSelection ??= Object.assign(new EventTarget(), {
  token: {}, unit: {}, layer: {}, channel: {}, place: {},
}));
const publish = (kind, change) => {
  Object.assign(shared[kind], change);
  shared.dispatchEvent(new Event("change"));
};

function build(root, stacks) {
  root.replaceChildren();
  const homes = stacks.flatMap((size) => {
    const stack = document.createElement("div");
    stack.className = "stack";
    root.append(stack);
    return Array(size).fill(stack);
  });
  return homes.map((home, place) => {
    const figure = document.createElement("figure");
    figure.style.outline = `var(--frame-${place + 1}, none)`; // of the page, which can reach in by its variables alone
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
  item.figure.querySelector(".head").classList.toggle("two-lines", grid.two_lines);
  item.figure.style.width = `${grid.width}px`;
  item.figure.classList.toggle("small", grid.width < 120);
  item.figure.style.maxWidth = "100%";
  item.canvas.style.aspectRatio = String(grid.aspect);
  // Tiles stay large enough for a finger; on a narrow screen the picture scrolls sideways.
  item.canvas.style.minWidth = grid.tile ? `${Math.min(grid.width, SMALLEST_TILE * grid.columns)}px` : "";
  item.figure.style.overflowX = grid.tile ? "auto" : "";
  // What can be selected is a slider to a screen reader: arrow keys move it, and its value is told.
  const isPicked = grid.select !== "none";
  item.canvas.setAttribute("role", isPicked ? "slider" : "img");
  item.canvas.setAttribute("aria-label", grid.name);
  if (isPicked) item.canvas.tabIndex = 0;
  else item.canvas.removeAttribute("tabindex");
  item.canvas.className = grid.select === "none" ? "" : "pick";
  if (grid.photo !== (item.photo && item.photo.src)) {
    item.photo = grid.photo ? new Image() : null;
    if (item.photo) {
      item.photo.onload = redraw;
      item.photo.src = grid.photo;
    }
  }
  item.places = grid.ids && new Map(grid.ids.map((id, cell) => [id, cell]));
  item.decoded = decode(grid);
  item.painted = [];
  const scale = item.figure.querySelector(".scale");
  const scaled = item.decoded && grid.show_scale;
  scale.style.display = scaled ? "flex" : "none";
  item.figure.querySelector(".quantity").textContent = scaled ? grid.label : "";
  if (!scaled) return;
  const colours = bytes(grid.colours);
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((k) => `rgb(${colours.slice(3 * k, 3 * k + 3).join(",")})`);
  scale.querySelector("i").style.background = `linear-gradient(to right, ${stops.join(",")})`;
}

const ANSWER_MILLISECONDS = 3000;

// The server's word counts, unless it answers to a pick that a later one has overtaken: arrow keys may be faster.
function confirm(kind, selected) {
  const { sent, sentAt } = shared[kind];
  const overtaken = sent != null && selected >= 0 && sent !== selected; // below 0 nothing is to be marked
  if (overtaken && Date.now() - sentAt < ANSWER_MILLISECONDS) return;
  publish(kind, { selected, sent: null });
}

// What is selected, for a screen reader.
function tell(item, panel) {
  const { grid, canvas } = item;
  const told = ["aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"];
  if (grid.select === "none") return told.forEach((name) => canvas.removeAttribute(name));
  const { selected } = shared[panel.marks];
  const last = grid.select === "row" ? grid.rows - 1 : squareCount(grid) - 1;
  const place = grid.select === "picture" ? 0 : item.places ? item.places.get(selected) : selected;
  const isHere = place != null && place >= 0 && place <= last && (grid.select !== "picture" || selected === grid.ids[0]);
  const text = !isHere ? grid.words.unselected : grid.select === "picture" ? grid.words.selected
    : grid.select === "cell" && grid.pick_side === 1 ? describe(item, { cell: place, inside: [0, 0] }, panel.frame)
    : said(grid.words.kind, { number: selected });
  [0, last, isHere ? place : 0, text].forEach((value, i) => canvas.setAttribute(told[i], value));
}

// What changes from frame to frame: the limits of the scale, and a note where there is one for each frame.
function label(item, frame) {
  const { grid } = item;
  if (grid.notes) item.figure.querySelector(".head span").textContent = grid.notes[frame];
  if (!item.decoded || !grid.show_scale) return;
  const [low, high] = item.figure.querySelectorAll(".scale span");
  const limits = grid.limits ? limitsOf(grid, frame).map(number)
    : grid.signed ? [grid.words.least, `+${grid.words.most}`] : ["0", grid.words.most];
  const [below, above] = grid.beyond ?? []; // tiles have none
  [low.textContent, high.textContent] = [(below ? "\u2264 " : "") + limits[0], (above ? "\u2265 " : "") + limits[1]];
}

const SMALLEST_TILE = 26; // CSS pixels
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function listen(item, panel, pick, say) {
  const idAt = (place) => (item.grid.ids ? item.grid.ids[place] : place);
  const at = (event) => {
    const { grid, canvas } = item;
    const box = canvas.getBoundingClientRect();
    const across = Math.min(0.999999, Math.max(0, (event.clientX - box.left) / box.width)) * grid.columns;
    const down = Math.min(0.999999, Math.max(0, (event.clientY - box.top) / box.height)) * grid.rows;
    const [column, row] = [Math.floor(across), Math.floor(down)];
    const [cell, place] = [row * grid.columns + column, squareAt(grid, row, column)];
    const id = grid.select === "row" ? row : grid.select === "picture" ? grid.ids[0] : idAt(place);
    return { cell, place, id, inside: [across - column, down - row] };
  };
  item.canvas.onpointermove = (event) => {
    const here = at(event);
    say(panel.together ? describeAll(panel.items, here, panel.frame) : describe(item, here, panel.frame));
    const hovered = item.grid.select === "none" ? null : here.id;
    if (hovered !== shared[panel.marks].hovered) publish(panel.marks, { hovered });
  };
  item.canvas.onpointerleave = () => {
    say("");
    publish(panel.marks, { hovered: null });
  };
  item.canvas.onclick = (event) => item.grid.select !== "none" && pick(item, at(event).place, at(event).id);
  item.canvas.onkeydown = (event) => {
    const step = STEPS[event.key];
    const { grid } = item;
    if (!step || grid.select === "none") return;
    event.preventDefault();
    const selected = shared[panel.marks].selected ?? 0;
    if (grid.select === "row") return pick(item, selected + step[0], selected + step[0]);
    if (grid.select === "picture") return pick(item, 0, selected + step[0] + step[1]);
    const from = item.places ? item.places.get(selected) ?? 0 : selected;
    const place = from + step[0] * squaresOf(grid).columns + step[1];
    pick(item, place, idAt(place));
  };
}

const FRAME_MILLISECONDS = 700;

// The frames of a panel (the blocks of a network) play in the browser: nothing is sent for them.
function play(root, panel, { frames, words }, show) {
  const player = root.querySelector(".player");
  player.hidden = frames.length < 2;
  if (player.hidden) return () => {};
  const [button, slider, name] = player.children;
  let timer = null;
  const go = (frame) => {
    panel.frame = frame;
    slider.value = frame;
    name.textContent = frames[frame];
    slider.setAttribute("aria-valuetext", frames[frame]);
    show();
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = words.play;
  };
  slider.setAttribute("aria-label", words.frame);
  slider.max = frames.length - 1;
  slider.oninput = () => {
    stop();
    go(Number(slider.value));
  };
  button.onclick = () => {
    if (timer) return stop();
    button.textContent = words.stop;
    go((panel.frame + 1) % frames.length);
    timer = setInterval(() => go((panel.frame + 1) % frames.length), FRAME_MILLISECONDS);
  };
  stop();
  go(panel.frame);
  return stop;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".panel");
  const readout = parentElement.querySelector(".readout");
  const panel = (root.panelState ??= { items: [], root });
  panel.marks = data.marks;
  panel.together = data.together;
  // A frame that the visitor played to stays, until the page asks for another one.
  if (panel.asked !== data.frame || !(panel.frame < data.frames.length)) panel.frame = data.frame;
  panel.asked = data.frame;
  const layout = data.stacks.join();
  if (panel.layout !== layout) Object.assign(panel, { layout, items: build(root, data.stacks) });
  root.className = `panel ${data.layout}`;
  root.style.setProperty("--columns", data.columns);
  root.style.setProperty("--half", Math.ceil(data.columns / 2));
  const redraw = () => panel.items.forEach((item) => item.grid && (draw(item, panel), tell(item, panel)));
  const say = (text) => { readout.textContent = text || data.hint; };
  const pick = (item, square, id) => {
    if (data.locked) return;
    const [place, limit] = item.grid.select === "row" ? [id, item.grid.rows] : [square, squareCount(item.grid)];
    if (place < 0 || place >= limit || id < 0 || id === shared[panel.marks].selected) return;
    publish(panel.marks, { selected: id, sent: id, sentAt: Date.now() });
    setTriggerValue("picked", id);
  };
  data.grids.forEach((grid, i) => {
    fill(panel.items[i], grid, redraw);
    if (!["row", "pair"].includes(data.layout)) panel.items[i].figure.style.width = "";
    if (data.layout === "flow") panel.items[i].figure.parentElement.style.flexGrow = grid.width;
    listen(panel.items[i], panel, pick, say);
  });
  say("");
  if (data.selected != null) confirm(panel.marks, data.selected);
  const show = () => {
    panel.items.forEach((item) => label(item, panel.frame));
    redraw();
  };
  show();
  const stop = play(parentElement, panel, data, show);
  shared.addEventListener("change", redraw);
  const observer = new ResizeObserver(redraw);
  observer.observe(root);
  return () => {
    stop();
    shared.removeEventListener("change", redraw);
    observer.disconnect();
  };
}
