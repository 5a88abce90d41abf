// Plays one block: lines of the token matrix (columns in token mixing, rows in channel mixing) leave it, become hidden
// units, come back and are added. Everything is drawn here; the server is asked only when a step is clicked.

const STEP_MILLISECONDS = 2000;
const PHASES = 4; // of one line: LayerNorm, W and GELU, W back, addition
const STILL_MILLISECONDS = 900; // between two phases where the system asks for no motion
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const ease = (x) => (x < 0 ? 0 : x > 1 ? 1 : x * x * (3 - 2 * x));
const between = (from, to, x) => from.map((value, i) => value + (to[i] - value) * x);

function painted(levels, width, height, colours) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  levels.forEach((level, i) => image.data.set([...colours.subarray(3 * level, 3 * level + 3), 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

function prepare(data) {
  const colours = bytes(data.colours);
  const { rows, columns } = data;
  const matrices = data.matrices.map((text) => painted(bytes(text), columns, rows, colours));
  const halves = data.halves.map((half, down) => ({
    lines: half.lines,
    parts: half.parts.map(({ size, levels }) => {
      const all = bytes(levels);
      return half.lines.map((_, k) => {
        const line = all.subarray(k * size, (k + 1) * size);
        return down ? painted(line, size, 1, colours) : painted(line, 1, size, colours);
      });
    }),
  }));
  return { matrices, halves, rows, columns, count: halves[0].lines.length + halves[1].lines.length };
}

// Where things are, as [x, y, width, height] in shares of the canvas; strips stand in token mixing and lie in the other.
const LEFT = [0.0, 0.09, 0.27, 0.86];
const RIGHT = [0.73, 0.09, 0.27, 0.86];
const STRIPS = [
  [[0.355, 0.09, 0.026, 0.86], [0.487, 0.09, 0.026, 0.86], [0.619, 0.09, 0.026, 0.86]],
  [[0.365, 0.16, 0.27, 0.075], [0.325, 0.485, 0.35, 0.075], [0.365, 0.81, 0.27, 0.075]],
];

function lineIn(box, down, line, { rows, columns }) {
  const [x, y, w, h] = box;
  return down ? [x, y + (line / rows) * h, w, h / rows] : [x + (line / columns) * w, y, w / columns, h];
}

function fan(context, from, to, down, shown, colour) {
  if (shown <= 0) return;
  context.globalAlpha = 0.1 * shown;
  context.fillStyle = colour;
  context.beginPath();
  const [a, b, c, d] = down
    ? [[from[0], from[1] + from[3]], [from[0] + from[2], from[1] + from[3]], [to[0] + to[2], to[1]], [to[0], to[1]]]
    : [[from[0] + from[2], from[1]], [from[0] + from[2], from[1] + from[3]], [to[0], to[1] + to[3]], [to[0], to[1]]];
  [a, b, c, d].forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.fill();
  context.globalAlpha = 1;
}

function place(state, position) {
  const step = Math.min(Math.floor(position), state.count - 1);
  const down = step >= state.halves[0].lines.length ? 1 : 0;
  const k = step - down * state.halves[0].lines.length;
  const inside = Math.min(position - step, 1);
  const phase = Math.min(Math.floor(inside * PHASES), PHASES - 1);
  return { down, k, inside, phase, line: state.halves[down].lines[k] };
}

function draw(canvas, state, position, data) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const [text, accent] = [style.color, style.getPropertyValue("--st-primary-color").trim() || "#c2410c"];
  const box = ([x, y, w, h]) => [x * width, y * height, w * width, h * height];
  const { down, k, inside, line } = place(state, position);
  const part = (from) => ease((inside - from) * PHASES);
  const [moved, hidden, back, added] = [part(0), part(0.25), part(0.5), part(0.75)];
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(state.matrices[down], ...box(LEFT));
  // What is done already shows the sum; the rest is as it was.
  const [x, y, w, h] = box(RIGHT);
  context.drawImage(state.matrices[down], x, y, w, h);
  const done = line + (added >= 1 ? 1 : 0);
  const [columns, rows] = down ? [state.columns, done] : [done, state.rows];
  if (columns && rows) {
    context.drawImage(state.matrices[down + 1], 0, 0, columns, rows, x, y, (w * columns) / state.columns, (h * rows) / state.rows);
  }
  const strips = STRIPS[down].map(box);
  const images = state.halves[down].parts.map((each) => each[k]);
  const source = box(lineIn(LEFT, down, line, state));
  const target = box(lineIn(RIGHT, down, line, state));
  fan(context, strips[0], strips[1], down, hidden, text);
  fan(context, strips[1], strips[2], down, back, text);
  context.drawImage(images[0], ...between(source, strips[0], moved));
  context.globalAlpha = hidden;
  if (hidden > 0) context.drawImage(images[1], ...strips[1]);
  context.globalAlpha = back;
  if (back > 0) context.drawImage(images[2], ...between(strips[2], target, added));
  context.globalAlpha = 1;
  const mark = (rectangle, thick) => {
    context.lineWidth = thick * ratio;
    context.strokeStyle = accent;
    const grow = Math.max(0, 2 * ratio - Math.min(rectangle[2], rectangle[3]) / 2);
    context.strokeRect(rectangle[0] - grow, rectangle[1] - grow, rectangle[2] + 2 * grow, rectangle[3] + 2 * grow);
  };
  mark(source, 1.5);
  mark(target, added >= 1 ? 2.5 : 1.5);
  context.fillStyle = text;
  context.font = `${12 * ratio}px ${style.fontFamily}`;
  const names = data.words.matrices;
  context.fillText(names[down], 0, 0.06 * height);
  context.fillText(names[down + 1], x, 0.06 * height);
  context.textAlign = "center";
  strips.forEach((strip, i) => {
    if ([moved, hidden, back][i] > 0.5) context.fillText(data.words.strips[down][i], strip[0] + strip[2] / 2, strip[1] - 0.02 * height);
  });
  context.textAlign = "start";
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".player");
  const [button, slider] = [root.querySelector("button"), root.querySelector("input")];
  const [canvas, said, steps] = ["canvas", ".said", ".steps"].map((name) => parentElement.querySelector(name));
  const kept = (root.kept ??= {});
  if (kept.key !== data.key) Object.assign(kept, { key: data.key, state: prepare(data), position: data.start });
  const { state } = kept;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let [frame, timer, last] = [null, null, null];
  const chips = data.words.steps[0].map((_, phase) => steps.children[phase] ?? steps.appendChild(document.createElement("button")));
  const show = () => {
    const { down, phase, line } = place(state, kept.position);
    draw(canvas, state, kept.position, data);
    const sentence = data.words.steps[down][phase].sentence.replace("{line}", line);
    if (said.textContent !== sentence) said.textContent = sentence;
    slider.value = kept.position * PHASES;
    slider.setAttribute("aria-valuetext", sentence);
    chips.forEach((chip, i) => {
      chip.textContent = data.words.steps[down][i].name;
      chip.setAttribute("aria-current", i === phase ? "step" : "false");
      chip.onclick = () => setTriggerValue("follow", { half: down, line, phase: i });
    });
  };
  const stop = () => {
    cancelAnimationFrame(frame);
    clearInterval(timer);
    [frame, timer, last] = [null, null, null];
    button.textContent = data.words.play;
  };
  const go = (position) => {
    if (position >= state.count) {
      stop();
      position = state.count - 1e-6;
    }
    kept.position = position;
    show();
  };
  const tick = (now) => {
    frame = requestAnimationFrame(tick);
    const by = last === null ? 0 : Math.min(now - last, 100) / STEP_MILLISECONDS;
    last = now;
    go(kept.position + by);
  };
  button.onclick = () => {
    if (frame || timer) return stop();
    button.textContent = data.words.pause;
    if (kept.position >= state.count - 0.01) kept.position = 0;
    // Where no motion is wanted, one finished phase follows the other.
    const next = () => go((Math.floor(kept.position * PHASES + 0.001) + 1.999) / PHASES);
    if (still.matches) timer = setInterval(next, STILL_MILLISECONDS);
    else frame = requestAnimationFrame(tick);
  };
  Object.assign(slider, { min: 0, max: state.count * PHASES, step: still.matches ? 1 : 0.25 });
  slider.oninput = () => {
    stop();
    go(Number(slider.value) / PHASES);
  };
  canvas.onclick = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - bounds.left) / bounds.width, (event.clientY - bounds.top) / bounds.height];
    const { down, line } = place(state, kept.position);
    const hit = STRIPS[down].findIndex(([left, top, w, h]) => x > left - 0.02 && x < left + w + 0.02 && y > top - 0.03 && y < top + h + 0.03);
    const phase = hit >= 0 ? hit : x > RIGHT[0] ? PHASES - 1 : 0;
    setTriggerValue("follow", { half: down, line, phase });
  };
  canvas.setAttribute("aria-label", data.words.description);
  slider.setAttribute("aria-label", data.words.step);
  stop();
  show();
  const observer = new ResizeObserver(show);
  observer.observe(canvas);
  return () => {
    stop();
    observer.disconnect();
  };
}
