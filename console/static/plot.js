// The last 24 hours of one device: temperatures on the left axis, electric power on the right.
// Gaps are shown: a minute without a reading is null, and nothing joins across it.

import { serverNow } from "./console.js";
import uPlot from "./vendor/uplot.esm.js";

const texts = JSON.parse(document.getElementById("texts").textContent);

const DAY_MS = 86_400_000;
const STEP_MS = 60_000;
const RELOAD_MS = 30_000;

// Quiet hues, told apart by weight and dash as well: strong colour is kept for what is wrong (ISA-101).
const LINES = [
  { point: "supply_c", stroke: "#8a4a32", width: 2 },
  { point: "return_c", stroke: "#8a4a32", width: 1.5, dash: [6, 4] },
  { point: "room_c", stroke: "#20272b", width: 2.5 },
  { point: "outdoor_c", stroke: "#3d6a85", width: 1.5, dash: [2, 3] },
  { point: "power_w", stroke: "#a3abb0", width: 1, fill: "rgba(120, 130, 136, 0.14)", scale: "W" },
];

const FONT = "13px 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif";

const local = (seconds) => uPlot.tzDate(new Date(seconds * 1000), document.body.dataset.timeZone);

const shown = (value, digits) => (value == null ? "—" : value.toFixed(digits));

function series({ point, scale = "°C", ...style }) {
  const [factor, unit, digits] = scale === "W" ? [0.001, "kW", 2] : [1, "°C", 1];
  const value = (_, raw) => (raw == null ? "—" : `${shown(raw * factor, digits)} ${unit}`);
  return { label: texts.point[point], scale, spanGaps: false, points: { show: false }, value, ...style };
}

function axis(scale, side, values) {
  const line = { stroke: "#d3d7d9", width: 1, show: side === 3 };
  return { scale, side, values, size: 62, stroke: "#4d565b", grid: line, ticks: { show: false }, font: FONT };
}

function options(width, height) {
  return {
    width,
    height,
    tzDate: local,
    fmtDate: (template) => uPlot.fmtDate(template),
    scales: { W: { range: (_, low, high) => [0, Math.max(1000, (high ?? 0) * 2.2)] } },
    series: [{ label: texts.device.time, value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...LINES.map(series)],
    axes: [
      { size: 32, stroke: "#4d565b", grid: { stroke: "#d3d7d9", width: 1 }, ticks: { show: false }, font: FONT, values: hours },
      axis("°C", 3, (_, ticks) => ticks.map((tick) => `${tick}°`)),
      axis("W", 1, (_, ticks) => ticks.map((tick) => `${tick / 1000} kW`)),
    ],
    cursor: { points: { size: 7 } },
    legend: { markers: { dash: (_, line) => (LINES[line - 1]?.dash ? "dashed" : "solid") } },
  };
}

function hours(_, ticks) {
  const pad = (number) => String(number).padStart(2, "0");
  return ticks.map((tick) => {
    const date = local(tick);
    return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  });
}

/** The answer of the API, [[at, value], …] per point with one row a minute, as uPlot's columns from the first value on. */
function columns(points) {
  const rows = LINES.map(({ point }) => points[point]);
  const first = Math.min(...rows.map((line) => line.findIndex(([, value]) => value !== null)).filter((at) => at >= 0));
  const shown = rows.map((line) => line.slice(first));
  return [shown[0].map(([at]) => at / 1000), ...shown.map((line) => line.map(([, value]) => value))];
}

class DevicePlot {
  constructor(element) {
    this.element = element;
    this.resizer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resizer.observe(element);
    this.timer = setInterval(() => this.load(), RELOAD_MS);
    this.load();
  }

  size() {
    return { width: Math.max(280, this.element.clientWidth), height: window.innerHeight < 1000 ? 190 : 260 };
  }

  async load() {
    if (!this.element.isConnected) return this.end();
    const end = Math.ceil(serverNow() / STEP_MS) * STEP_MS;
    const points = LINES.map(({ point }) => point).join(",");
    const query = new URLSearchParams({ from: end - DAY_MS, to: end, step: STEP_MS, points });
    const response = await fetch(`/api/v1/devices/${this.element.dataset.plot}/readings?${query}`).catch(() => null);
    if (response?.ok) this.draw(columns((await response.json()).points));
    else this.say(texts.device.store_away);
  }

  draw(data) {
    const empty = data[0].length === 0;
    this.say(empty ? texts.device.no_data : "");
    const { width, height } = this.size();
    this.plot ??= new uPlot(options(width, height), data, this.element);
    this.plot.setData(data);
    this.element.dataset.drawn = data[0].length;
    this.element.dataset.gaps = data[1].filter((value) => value === null).length;
  }

  say(sentence) {
    this.element.querySelector("p").textContent = sentence;
  }

  end() {
    clearInterval(this.timer);
    this.resizer.disconnect();
    this.plot?.destroy();
  }
}

const drawn = new WeakSet();

function start() {
  for (const element of document.querySelectorAll("[data-plot]")) {
    if (drawn.has(element)) continue;
    drawn.add(element);
    new DevicePlot(element);
  }
}

start();
document.addEventListener("htmx:after:settle", start);
