// What a report does by itself, without a network: hovering reads numbers, frames are played through, charts are drawn.
// `grid_drawing.js` comes before it: the same code reads the same numbers on the page.

const dataOf = (node) => JSON.parse(node.querySelector(":scope > script[type='application/json']").textContent);

function startGrid(figure, panel) {
  const grid = dataOf(figure);
  const item = { grid, decoded: decode(grid) };
  const picture = figure.querySelector(".picture");
  const mark = picture.querySelector(".hovered");
  const readout = panel.querySelector(".readout");
  let cell = -1;
  const say = (x, y) => {
    const column = Math.min(grid.columns - 1, Math.max(0, Math.floor(x * grid.columns)));
    const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(y * grid.rows)));
    cell = row * grid.columns + column;
    readout.textContent = describe(item, {
      cell, inside: [Math.min(0.999, Math.max(0, x * grid.columns - column)), Math.min(0.999, Math.max(0, y * grid.rows - row))],
    }, panel.frame);
    const side = grid.pick_side;
    const box = { x: Math.floor(column / side), y: Math.floor(row / side), width: 1, height: 1 };
    Object.entries(box).forEach(([name, value]) => mark.setAttribute(name, value));
  };
  const leave = () => {
    readout.textContent = "";
    mark.setAttribute("width", 0);
  };
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    say((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  picture.onpointermove = picture.onpointerdown = at;
  picture.onpointerleave = leave;
  picture.onblur = leave;
  picture.onkeydown = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [column, row] = cell < 0 ? [0, 0] : [(cell % grid.columns) + step[0], Math.floor(cell / grid.columns) + step[1]];
    say((column + 0.5) / grid.columns, (row + 0.5) / grid.rows);
  };
  return (frame) => {
    figure.querySelectorAll("img.values").forEach((image, number) => { image.hidden = grid.frames > 1 && number !== frame; });
    if (grid.notes) figure.querySelector("figcaption span").textContent = grid.notes[frame];
    const [low, high] = [figure.querySelector(".low"), figure.querySelector(".high")];
    if (!low || !grid.limits || grid.tile) return;
    const [below, above] = grid.beyond ?? [];
    const limits = limitsOf(grid, frame).map(number);
    [low.textContent, high.textContent] = [(below ? "\u2264 " : "") + limits[0], (above ? "\u2265 " : "") + limits[1]];
  };
}

function startPanel(panel) {
  const player = panel.querySelector(".player");
  const slider = player?.querySelector("input");
  panel.frame = slider ? Number(slider.value) : 0;
  const show = [...panel.querySelectorAll("figure.grid")].map((figure) => startGrid(figure, panel));
  if (!slider) return;
  const names = dataOf(player);
  slider.oninput = () => {
    panel.frame = Number(slider.value);
    player.querySelector("output").textContent = names[panel.frame];
    slider.setAttribute("aria-label", names[panel.frame]);
    show.forEach((each) => each(panel.frame));
  };
}

const PAPER = 660; // CSS pixels across an A4 page
const SMALLEST = 900; // across a chart of several parts, whose words would lie upon each other otherwise

function toPaper(plot) {
  const width = Math.min(plot.clientWidth, (PAPER * plot.clientWidth) / document.body.clientWidth);
  const drawn = plot.layout.xaxis2 ? Math.max(width, SMALLEST) : width;
  plot.style.zoom = width / drawn;
  Plotly.relayout(plot, { width: drawn });
}

function fromPaper(plot) {
  plot.style.zoom = "";
  Plotly.relayout(plot, { width: null, autosize: true });
}

async function startCharts() {
  const packed = document.getElementById("plotly");
  const charts = [...document.querySelectorAll("figure.chart")];
  if (!packed || !charts.length) return;
  const stream = new Blob([bytes(packed.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  const plots = charts.map((figure) => {
    const { data, layout } = dataOf(figure);
    const plot = figure.querySelector(".plot");
    Plotly.newPlot(plot, data, { ...layout, autosize: true }, { displayModeBar: false, responsive: true });
    return plot;
  });
  window.addEventListener("beforeprint", () => plots.forEach(toPaper));
  window.addEventListener("afterprint", () => plots.forEach(fromPaper));
  document.body.dataset.charts = "drawn";
}

document.querySelectorAll(".panel").forEach(startPanel);
startCharts();
