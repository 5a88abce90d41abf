// Decodes the values of a grid and draws it on its canvas; comes before grid_panel.js in one module.

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const MINUS = "\u2212";
const number = (value) => {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 0.01 || size >= 10000) ? size.toExponential(2) : size.toPrecision(3);
  return (value < 0 ? MINUS : "") + text;
};

const limitsOf = (grid, frame) => grid.limits[Math.min(frame, grid.limits.length - 1)];
const clip = (share) => Math.round(Math.min(1, Math.max(0, share)) * 255);

// What a click picks: squares of cells, numbered in reading order (one cell each but in maps of pixels).
const squaresOf = (grid) => ({ rows: grid.rows / grid.pick_side, columns: grid.columns / grid.pick_side });
const squareAt = (grid, row, column) =>
  Math.floor(row / grid.pick_side) * squaresOf(grid).columns + Math.floor(column / grid.pick_side);
const squareCount = (grid) => grid.count / grid.pick_side ** 2;

// Values and colour levels (0 to 255) by their place in the data; the places of one frame follow each other.
function decode(grid) {
  if (!grid.values) return null;
  const raw = bytes(grid.values);
  if (grid.tile) {
    const size = grid.tile[0] * grid.tile[1];
    const peaks = new Float32Array(bytes(grid.peaks).buffer);
    const [zero, top] = grid.signed ? [128, 127] : [0, 255];
    const value = (i) => ((raw[i] - zero) / top) * peaks[Math.floor(i / size)];
    // Without limits of the whole picture each tile has its own.
    const level = grid.limits
      ? (i) => clip((value(i) - grid.limits[0][0]) / (grid.limits[0][1] - grid.limits[0][0]))
      : (i) => clip(grid.signed ? (raw[i] - 1) / 254 : raw[i] / 255);
    return { value, level };
  }
  const levels = grid.coarse ? raw : new Float32Array(raw.buffer);
  const cells = grid.rows * grid.columns;
  const span = (i) => limitsOf(grid, Math.floor(i / cells));
  const value = grid.coarse ? (i) => span(i)[0] + (levels[i] * (span(i)[1] - span(i)[0])) / 255 : (i) => levels[i];
  const level = grid.coarse ? (i) => levels[i] : (i) => clip((levels[i] - span(i)[0]) / (span(i)[1] - span(i)[0]));
  return { value, level };
}

// One picture per frame; of a tiled grid, its tiles below each other.
function paintValues(grid, decoded, frame) {
  const [rows, columns] = grid.tile ? [grid.tile[0] * grid.count, grid.tile[1]] : [grid.rows, grid.columns];
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  const colours = bytes(grid.colours);
  for (let i = 0; i < rows * columns; i++) {
    const from = 3 * decoded.level(frame * rows * columns + i);
    picture.data.set([colours[from], colours[from + 1], colours[from + 2], 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

// Tiles of one group (a pair) stand close together, groups apart.
function drawTiles(context, item, ratio) {
  const { grid, painted } = item;
  const { width, height } = context.canvas;
  const [w, h] = [width / grid.columns, height / grid.rows];
  const wide = Math.max(1, Math.round(Math.min(2.5 * ratio, w / 12)));
  const narrow = grid.group > 1 ? Math.max(0.5, wide / 4) : wide;
  for (let cell = 0; cell < grid.count; cell++) {
    const column = cell % grid.columns;
    const left = column * w + (column % grid.group === 0 ? wide : narrow);
    const right = (column + 1) * w - (column % grid.group === grid.group - 1 ? wide : narrow);
    const top = Math.floor(cell / grid.columns) * h + wide;
    const [x, y] = [Math.round(left), Math.round(top)];
    context.drawImage(painted[0], 0, cell * grid.tile[0], grid.tile[1], grid.tile[0],
      x, y, Math.round(right) - x, Math.round(top + h - 2 * wide) - y);
  }
}

function outline(context, item, id, ratio, colour, thick) {
  const { grid } = item;
  const index = item.places ? item.places.get(id) : id;
  if (index == null || index < 0) return;
  if (grid.select === "picture") return frame(context, [0, 0, context.canvas.width, context.canvas.height], ratio, colour, thick + 1);
  const { width, height } = context.canvas;
  const byRow = grid.select === "row";
  if (index >= (byRow ? grid.rows : squareCount(grid))) return;
  const { rows, columns } = squaresOf(grid);
  const w = byRow ? width : width / columns;
  const h = height / rows;
  const x = byRow ? 0 : (index % columns) * w;
  const y = (byRow ? index : Math.floor(index / columns)) * h;
  const grow = Math.max(0, 3 * ratio - Math.min(w, h) / 2); // a thin row or a tiny cell still shows its mark
  const box = [x - grow, y - grow, w + 2 * grow, h + 2 * grow];
  if (Math.min(w, h) < 14 * ratio && !byRow) thick = 1.5; // on tiny cells a thick mark would hide its neighbours
  frame(context, box, ratio, colour, thick);
}

function frame(context, box, ratio, colour, thick) {
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
  if (item.decoded) {
    context.imageSmoothingEnabled = false;
    context.globalAlpha = item.photo ? grid.opacity : 1;
    const frame = grid.frames > 1 ? panel.frame : 0;
    item.painted[frame] ??= paintValues(grid, item.decoded, frame);
    if (grid.tile) drawTiles(context, item, ratio);
    else context.drawImage(item.painted[frame], 0, 0, width, height);
    context.globalAlpha = 1;
  }
  if (grid.lines) {
    const { rows, columns } = squaresOf(grid);
    context.lineWidth = ratio;
    for (const [colour, shift] of [["rgba(0,0,0,0.35)", 0.5 * ratio], ["rgba(255,255,255,0.65)", -0.5 * ratio]]) {
      context.strokeStyle = colour;
      context.beginPath();
      for (let c = 1; c < columns; c++) {
        const x = (c * width) / columns + shift;
        context.moveTo(x, 0);
        context.lineTo(x, height);
      }
      for (let r = 1; r < rows; r++) {
        const y = (r * height) / rows + shift;
        context.moveTo(0, y);
        context.lineTo(width, y);
      }
      context.stroke();
    }
  }
  const accent = getComputedStyle(panel.root).getPropertyValue("--st-primary-color").trim() || "#c2410c";
  if (grid.select !== "none") {
    const { selected, hovered } = shared[panel.marks];
    outline(context, item, selected, ratio, accent, 2.5);
    if (hovered !== selected) outline(context, item, hovered, ratio, "#1a1d21", 1.5);
  }
}

// A sentence of the server's with its values.
const said = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function describe(item, { cell, inside }, frame) {
  const { grid } = item;
  const { words } = grid;
  if (cell >= grid.count) return "";
  if (grid.tile) {
    const [row, column] = [Math.floor(inside[1] * grid.tile[0]), Math.floor(inside[0] * grid.tile[1])];
    const value = number(item.decoded.value((cell * grid.tile[0] + row) * grid.tile[1] + column));
    return said(words.reading, { hover: grid.hover[cell], number: row * grid.tile[1] + column, row, column, value });
  }
  if (grid.hover) return grid.hover[cell] ?? "";
  const row = Math.floor(cell / grid.columns);
  const column = cell % grid.columns;
  const place = said(words.place, { row, column, number: squareAt(grid, row, column) });
  if (!item.decoded) return place;
  return said(words.reading, { place, quantity: grid.quantity, value: valueAt(item, cell, frame) });
}

// The number of one cell, as it is told.
function valueAt(item, cell, frame) {
  const { grid } = item;
  const place0 = grid.frames > 1 ? frame * grid.rows * grid.columns : 0;
  const exact = number(item.decoded.value(place0 + cell)) + (grid.unit && " " + grid.unit);
  return cut(item, place0 + cell, (grid.coarse ? "\u2248 " : "") + exact);
}

// The same cell of several grids: its place once, and what each of them has there.
function describeAll([first, ...others], here, frame) {
  const more = others.map((item) => `${item.grid.quantity} ${valueAt(item, here.cell, frame)}`);
  return [describe(first, here, frame), ...more].join(" \u00b7 ");
}

// A value that travelled as one byte and was cut at an end of the scale may be any beyond it.
function cut({ grid, decoded }, i, value) {
  if (!grid.coarse) return value;
  const level = decoded.level(i);
  if (grid.beyond[0] && level === 0) return said(grid.words.less, { value });
  return grid.beyond[1] && level === 255 ? said(grid.words.more, { value }) : value;
}
