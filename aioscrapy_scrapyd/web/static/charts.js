"use strict";
// The charts of a job: its samples, drawn by uPlot. Without this file the page has lines of SVG.

const charts = document.querySelector("[data-chart]");
// Milliseconds between two looks at the samples.
const LOOK = 5000;
const drawn = new Map();

// A canvas knows no light-dark(): the colours are those that the page has now.
function colour(name) {
  const probe = document.createElement("span");
  probe.className = `colour-${name}`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

// Times are those of the browser's clock: 18:30:12, with the day where the chart is longer than one.
function clock(seconds, span) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (span > 86400) return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
  return span > 1200 ? time : `${time}:${two(date.getSeconds())}`;
}

function options(box) {
  const names = box.dataset.names.split("|");
  const strokes = [colour("one"), colour("two")];
  const axis = {stroke: colour("axis"), grid: {stroke: colour("grid"), width: 1}, ticks: {show: false}, font: "12px system-ui"};
  return {
    width: box.clientWidth,
    height: 170,
    cursor: {y: false},
    scales: {y: {range: (_, low, high) => [0, Math.max(1, high * 1.1)]}},
    axes: [
      {...axis, space: 90, values: (chart, times) => times.map((time) => clock(time, chart.scales.x.max - chart.scales.x.min))},
      {...axis, size: 60},
    ],
    series: [{label: charts.dataset.time, value: (_, time) => time === null ? "–" : clock(time, 0)}, ...names.map((label, at) => ({label, stroke: strokes[at], width: 1.5, dash: at ? [5, 4] : [], points: {show: false}}))],
  };
}

// The legend has the latest values, unless the pointer is on the chart.
function tellLatest(chart) {
  if (!(chart.cursor.left >= 0)) chart.setLegend({idx: chart.data[0].length - 1});
}

function draw(samples) {
  for (const box of charts.querySelectorAll("[data-series]")) {
    const data = [samples.time, ...box.dataset.series.split(" ").map((name) => samples[name])];
    if (drawn.has(box)) {
      drawn.get(box).setData(data);
      tellLatest(drawn.get(box));
    } else {
      box.replaceChildren();
      const chart = new uPlot(options(box), data, box);
      drawn.set(box, chart);
      setTimeout(() => tellLatest(chart));
      chart.over.addEventListener("mouseleave", () => setTimeout(() => tellLatest(chart)));
    }
  }
}

async function look() {
  try {
    const reply = await fetch(charts.dataset.chart, {headers: {"Accept": "application/json"}, redirect: "error"});
    if (reply.ok) draw((await reply.json()).samples);
  } catch {
    // the node does not answer: the next event tries again
  }
}

function redraw() {
  for (const [box, chart] of drawn) { chart.destroy(); drawn.delete(box); }
  look();
}

if (charts) {
  let latest = Date.now();
  look();
  window.node.onEvent.push(() => {
    if (Date.now() - latest < LOOK) return;
    latest = Date.now();
    look();
  });
  new ResizeObserver(() => {
    for (const [box, chart] of drawn) chart.setSize({width: box.clientWidth, height: 170});
  }).observe(charts);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
