"use strict";
// Draws boards from their own JSON and the answers of Prometheus, on Grafana's grid of 24 columns.
const BOARDS = JSON.parse(document.getElementById("boards").textContent);
const ROW_HEIGHT = 36;
const NAMED = { green: "#73bf69", yellow: "#f2cc0c", red: "#f2495c", blue: "#5794f2", purple: "#b877d9", orange: "#ff9830", text: "#ccccdc" };
const PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d", "#fade2a", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477"];
let drawn = 0;

const color = (name) => NAMED[name] || name;
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

function digits(value, decimals) {
  if (decimals !== undefined && decimals !== null) return value.toFixed(decimals);
  if (value === 0) return "0";
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 5)));
}

function scaled(value, decimals, steps) {
  let [factor, name] = steps[0];
  for (const [from, unit] of steps) if (Math.abs(value) >= from) [factor, name] = [from, unit];
  return digits(value / factor, decimals) + name;
}

function shown(value, unit, decimals) {
  if (value === null || value === undefined) return "";
  if (unit === "percentunit") return digits(value * 100, decimals) + " %";
  if (unit === "s") return value === 0 ? "0 s" : scaled(value, decimals, [[1e-6, " µs"], [1e-3, " ms"], [1, " s"], [60, " min"], [3600, " h"], [86400, " d"]]);
  if (unit === "d") return digits(value, decimals) + " d";
  if (unit === "bytes") return scaled(value, decimals, [[1, " B"], [1024, " KiB"], [1048576, " MiB"], [1073741824, " GiB"]]);
  const short = scaled(value, decimals, [[1, ""], [1e3, " K"], [1e6, " Mil"]]);
  return short + ({ reqps: " req/s", cps: " c/s" }[unit] || "");
}

function threshold(value, thresholds) {
  let found = thresholds.steps[0].color;
  for (const step of thresholds.steps) if (step.value !== null && value >= step.value) found = step.color;
  return color(found);
}

function fieldOf(panel, name) {
  const field = Object.assign({}, panel.fieldConfig.defaults);
  for (const override of panel.fieldConfig.overrides) {
    if (override.matcher.options !== name) continue;
    for (const property of override.properties) field[property.id] = property.value;
  }
  return field;
}

// A number that is missing has a text and a colour of its own, as in Grafana; it is never coloured as a low one.
function meaning(field, value) {
  for (const { type, options } of field.mappings) {
    if (type === "value" && options[String(value)]) return [options[String(value)].text, color(options[String(value)].color)];
    if (type === "special" && value === null && options.match.startsWith("null")) return [options.result.text, color(options.result.color)];
  }
  if (value === null) return [field.noValue || "No data", color("text")];
  return [shown(value, field.unit, field.decimals), threshold(value, field.thresholds)];
}

const last = (frame) => {
  for (let place = frame.points.length - 1; place >= 0; place--) if (frame.points[place][1] !== null) return frame.points[place][1];
  return null;
};

function stats(panel, body) {
  const box = element("div", "stats" + (panel.frames.length > 3 ? " many" : ""));
  for (const frame of panel.frames) {
    const field = fieldOf(panel, frame.name);
    const [text, tone] = meaning(field, last(frame));
    const stat = element("div", "stat");
    const number = element("b", "", text);
    number.style.color = tone;
    stat.append(number);
    if (panel.options.textMode === "value_and_name") stat.append(element("i", "", frame.name));
    box.append(stat);
  }
  body.append(box);
}

// One column of times for all series; a series has no value where it had no sample.
function aligned(frames) {
  const times = [...new Set(frames.flatMap((frame) => frame.points.map((point) => point[0])))].sort((a, b) => a - b);
  return [times, ...frames.map((frame) => {
    const values = new Map(frame.points);
    return times.map((time) => values.get(time) ?? null);
  })];
}

function stacked(data) {
  const sums = data[0].map(() => 0);
  return [data[0], ...data.slice(1).map((values) => values.map((value, place) => (value === null ? null : (sums[place] += value))))];
}

function lines(panel, body, board) {
  const custom = panel.fieldConfig.defaults.custom;
  const unit = panel.fieldConfig.defaults.unit;
  const stacks = custom.stacking.mode === "normal";
  const raw = aligned(panel.frames);
  const tones = panel.frames.map((frame, place) => (fieldOf(panel, frame.name).color.fixedColor ? color(fieldOf(panel, frame.name).color.fixedColor) : PALETTE[place % PALETTE.length]));
  const chart = element("div");
  body.style.display = "flex";
  body.style.flexDirection = "column";
  chart.style.flex = "1";
  chart.style.minHeight = "0";
  body.append(chart, legend(panel, raw, tones));
  const data = stacks ? stacked(raw) : raw;
  const limits = custom.thresholdsStyle.mode === "off" ? [] : panel.fieldConfig.defaults.thresholds.steps.filter((step) => step.value !== null);
  new uPlot({
    width: chart.clientWidth, height: chart.clientHeight, padding: [8, 28, 0, 0],
    scales: { x: { range: [board.from, board.to] }, y: { range: (plot, low, high) => reach(panel, low, high) } },
    axes: [axis({ space: 90, size: 28, values: (plot, ticks, place, space, step) => ticks.map((tick) => clock(tick, step)) }), axis({ size: 68, values: (plot, ticks) => ticks.map((tick) => shown(tick, unit)) })],
    series: [{}, ...panel.frames.map((frame, place) => ({
      label: frame.name, stroke: tones[place], width: 1.2, spanGaps: false,
      fill: tones[place] + (custom.fillOpacity > 10 ? "40" : "14"), points: { show: frame.points.length < 2, size: 5 },
    }))],
    bands: stacks ? panel.frames.slice(1).map((_, place) => ({ series: [place + 2, place + 1] })) : [],
    hooks: { draw: [(plot) => limits.forEach((step) => dashed(plot, step))] },
  }, data, chart);
}

const clock = (time, step) => new Date(time * 1000).toTimeString().slice(0, step < 60 ? 8 : 5);

const axis = (more) => Object.assign({ stroke: "#9a9aa7", grid: { stroke: "#2b2e34", width: 1 }, ticks: { show: false }, font: "11px sans-serif" }, more);

function reach(panel, low, high) {
  const field = panel.fieldConfig.defaults;
  const bottom = field.min ?? (low === null ? 0 : Math.min(low, 0));
  const top = field.max ?? (high === null || high <= bottom ? bottom + 1 : high + (high - bottom) * 0.08);
  return [bottom, top];
}

function dashed(plot, step) {
  const place = plot.valToPos(step.value, "y", true);
  if (place < plot.bbox.top || place > plot.bbox.top + plot.bbox.height) return;
  plot.ctx.save();
  plot.ctx.strokeStyle = color(step.color);
  plot.ctx.setLineDash([6, 6]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(plot.bbox.left, place);
  plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, place);
  plot.ctx.stroke();
  plot.ctx.restore();
}

function legend(panel, data, tones) {
  const box = element("div", "legend");
  const table = element("table");
  const head = element("tr");
  for (const name of ["", "Mean", "Max", "Last"]) head.append(element("th", "", name));
  table.append(head);
  panel.frames.forEach((frame, place) => {
    const values = data[place + 1].filter((value) => value !== null);
    const { unit, decimals } = panel.fieldConfig.defaults;
    const row = element("tr");
    const name = element("td", "", "");
    const mark = element("i");
    mark.style.background = tones[place];
    name.append(mark, frame.name);
    name.title = frame.name;
    row.append(name);
    const mean = values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
    for (const value of [mean, Math.max(...values), values[values.length - 1]]) row.append(element("td", "", shown(value, unit, decimals)));
    table.append(row);
  });
  box.append(table);
  return box;
}

// Buckets count what is below their bound; what lies between two bounds is the difference.
function heat(panel, body, board) {
  const canvas = element("canvas", "heat");
  body.append(canvas);
  const [width, height] = [body.clientWidth, body.clientHeight];
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const frames = [...panel.frames].sort((a, b) => bound(a) - bound(b));
  const [times, ...columns] = aligned(frames);
  const counts = columns.map((values, row) => values.map((value, place) => (value === null ? null : Math.max(0, value - (row ? columns[row - 1][place] ?? 0 : 0)))));
  const most = Math.max(1e-9, ...counts.flat().filter((value) => value !== null));
  const [left, foot] = [62, 18];
  const tall = (height - foot) / frames.length;
  const wide = Math.max(2, ((width - left) / (board.to - board.from)) * (times.length > 1 ? times[1] - times[0] : 15));
  const across = (time) => left + ((time - board.from) / (board.to - board.from)) * (width - left);
  counts.forEach((values, row) => values.forEach((value, place) => {
    if (!value) return;
    pen.fillStyle = `rgba(255, 152, 48, ${0.12 + 0.88 * Math.sqrt(value / most)})`;
    const from = Math.max(left, across(times[place]) - wide);
    pen.fillRect(from, height - foot - (row + 1) * tall, across(times[place]) - from - 0.5, tall - 0.5);
  }));
  pen.fillStyle = "#9a9aa7";
  pen.font = "11px sans-serif";
  pen.textAlign = "right";
  frames.forEach((frame, row) => { if (tall > 11 || row % 2 === 0) pen.fillText(bound(frame) === Infinity ? "more" : shown(bound(frame), panel.options.yAxis.unit), left - 6, height - foot - row * tall - tall / 2 + 4); });
  pen.textAlign = "center";
  for (let part = 0; part <= 4; part++) {
    const time = board.from + ((board.to - board.from) * part) / 4;
    pen.fillText(clock(time, 1), Math.min(Math.max(across(time), left + 26), width - 28), height - 4);
  }
}

const bound = (frame) => (frame.labels.le === "+Inf" ? Infinity : Number(frame.labels.le));

function states(panel, body, board) {
  const box = element("div", "states");
  for (const frame of panel.frames) {
    box.append(element("span", "", frame.name));
    const bar = element("div");
    const step = frame.points.length > 1 ? frame.points[1][0] - frame.points[0][0] : 15;
    let [from, value] = [board.from, undefined];
    const close = (to) => {
      const part = element("i");
      part.style.width = ((to - from) / (board.to - board.from)) * 100 + "%";
      if (value !== undefined) [part.textContent, part.style.background] = meaning(panel.fieldConfig.defaults, value);
      bar.append(part);
      from = to;
    };
    let before = null;
    for (const [time, next] of frame.points) {
      if (before !== null && time - before > step * 1.5) { close(before + step); value = undefined; }
      if (next !== value) { close(time); value = next; }
      before = time;
    }
    close(before === null ? board.to : Math.min(board.to, before + step));
    box.append(bar);
  }
  body.append(box);
}

function merged(panel) {
  const rows = new Map();
  for (const frame of panel.frames) {
    const { __name__, ...labels } = frame.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    if (!rows.has(key)) rows.set(key, labels);
    rows.get(key)["Value #" + frame.ref] = last(frame);
  }
  return [...rows.values()];
}

function grid(panel, body) {
  const organised = (panel.transformations.find((step) => step.id === "organize") || { options: {} }).options;
  const rows = merged(panel);
  const order = organised.indexByName || {};
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))].sort((a, b) => (order[a] ?? 99) - (order[b] ?? 99));
  const names = keys.map((key) => (organised.renameByName || {})[key] || key);
  const [{ displayName }] = panel.options.sortBy;
  const sorting = keys[names.indexOf(displayName)];
  rows.sort((a, b) => (b[sorting] ?? -1) - (a[sorting] ?? -1));
  const table = element("table");
  const head = element("tr");
  names.forEach((name) => head.append(element("th", "", name)));
  table.append(head);
  for (const row of rows) {
    const line = element("tr");
    keys.forEach((key, place) => line.append(cell(panel, names[place], row[key])));
    table.append(line);
  }
  const box = element("div", "grid");
  box.append(table);
  body.append(box);
}

function cell(panel, name, value) {
  if (typeof value !== "number") return element("td", "", value ?? "");
  const field = fieldOf(panel, name);
  const made = element("td", "", shown(value, field.unit, field.decimals));
  const kind = (field["custom.cellOptions"] || {}).type;
  if (kind === "color-text") made.style.color = threshold(value, field.thresholds);
  if (kind === "gauge") {
    const bar = element("i", "bar");
    bar.style.width = Math.round(Math.min(1, Math.max(0, value)) * 120) + "px";
    made.prepend(bar);
  }
  return made;
}

const DRAW = { stat: stats, timeseries: lines, heatmap: heat, "state-timeline": states, table: grid };

function placed(made, place, width) {
  const column = width / 24;
  Object.assign(made.style, { left: place.x * column + "px", top: place.y * ROW_HEIGHT + "px", width: place.w * column + "px", height: place.h * ROW_HEIGHT + "px" });
}

function panelOf(panel, area, board) {
  const made = element("section", panel.type === "row" ? "row" : "panel");
  placed(made, panel.gridPos, area.clientWidth);
  area.append(made);
  if (panel.type === "row") { made.append(element("h2", "", panel.title)); return; }
  const frame = element("div");
  const title = element("h3", "", panel.title);
  const help = element("span", "", "?");
  help.title = panel.description;
  title.append(help);
  const body = element("div", "body");
  frame.append(title, body);
  made.append(frame);
  if (panel.problems.length) { body.append(element("div", "problem", panel.problems.join(" "))); made.dataset.state = "problem"; return; }
  if (!panel.frames.length) { body.append(element("div", "empty", panel.fieldConfig.defaults.noValue || "No data")); made.dataset.state = "empty"; return; }
  DRAW[panel.type](panel, body, board);
  made.dataset.state = "drawn";
  drawn += 1;
}

// "#all" puts all boards below each other, to be printed or checked.
function show(boards) {
  const here = boards.length > 1 ? "#all" : "#" + boards[0].uid;
  document.querySelectorAll("nav a").forEach((link) => link.classList.toggle("here", link.hash === here));
  document.querySelector("main").replaceChildren();
  drawn = 0;
  boards.forEach(whole);
  document.body.dataset.drawn = String(drawn);
}

function whole(board) {
  const main = document.querySelector("main");
  const head = element("header");
  head.append(element("h1", "", board.title), element("p", "", board.description));
  const chosen = element("p");
  for (const [name, value] of Object.entries(board.variables)) chosen.append(element("code", "", `${name} = ${value}`));
  chosen.append(`${new Date(board.from * 1000).toLocaleString()} to ${new Date(board.to * 1000).toLocaleTimeString()}`);
  head.append(chosen);
  const area = element("div", "board");
  main.append(head, area);
  area.style.height = Math.max(...board.panels.map((panel) => panel.gridPos.y + panel.gridPos.h)) * ROW_HEIGHT + "px";
  board.panels.forEach((panel) => panelOf(panel, area, board));
}

for (const { title, uid } of [...BOARDS, { title: "All", uid: "all" }]) {
  const link = element("a", "", title);
  link.href = "#" + uid;
  document.querySelector("nav").append(link);
}
const chosen = () => {
  const found = BOARDS.filter((board) => location.hash === "#all" || location.hash === "#" + board.uid);
  show(found.length ? found : BOARDS.slice(0, 1));
};
window.addEventListener("hashchange", chosen);
window.addEventListener("resize", chosen);
chosen();
