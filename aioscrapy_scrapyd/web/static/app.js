"use strict";
// The pages work without this file: forms post, links filter. With it they follow the node.

const root = document.documentElement;
// Milliseconds between two fetches of a page, and after which it is fetched though nothing has happened.
const PAUSE = 1000, QUIET = 15000;

// A page has functions of its own (log.js, charts.js): each is called with every event and after every fetch.
const node = window.node = {onEvent: [], onRefresh: [], refresh};

// Questions before a form is sent.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.question ?? event.target.dataset.question;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("change", ({target}) => {
  if (target.matches("[data-submit]")) target.form.requestSubmit();
  if (target.matches("[data-select-all]")) {
    for (const box of target.form.querySelectorAll("input[name=job]")) box.checked = target.checked;
  }
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
  }
});

function prepare() {
  for (const box of document.querySelectorAll("[data-select-all]")) box.hidden = false;
}
prepare();

// What a person has typed, ticked or opened stays.
const callbacks = {
  beforeNodeMorphed(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) return true;
    if (old.matches("[data-own]")) return false;
    if (old.matches("input, textarea, select") && old.type !== "hidden") {
      if (old.type === "checkbox" || old.type === "radio") {
        fresh.checked = old.checked;
        fresh.toggleAttribute("checked", old.checked);
      } else if (old.matches("select")) {
        return false;
      } else {
        fresh.value = old.value;
        fresh.setAttribute("value", old.value);
      }
    }
    if (old.matches("details")) fresh.open = old.open;
    return true;
  },
  beforeNodeRemoved: (old) => old.nodeType !== Node.ELEMENT_NODE || !old.matches("[data-keep]"),
};

let timer = 0, latest = 0, isBusy = false, isStale = false;

function refresh() {
  isStale = true;
  if (timer || isBusy || document.hidden) return;
  timer = setTimeout(fetchPage, Math.max(100, latest + PAUSE - Date.now()));
}

async function fetchPage() {
  timer = 0;
  isBusy = true;
  isStale = false;
  latest = Date.now();
  const html = await readPage();
  if (html !== null) show(new DOMParser().parseFromString(html, "text/html"));
  isBusy = false;
  if (html === null) isStale = true;
  if (isStale) setTimeout(refresh, html === null ? 5 * PAUSE : 0);
}

// The page as it is now; null if the node does not answer, or refuses.
async function readPage() {
  try {
    const reply = await fetch(location.href, {headers: {"Accept": "text/html"}, redirect: "error"});
    return reply.ok ? await reply.text() : null;
  } catch {
    return null;
  }
}

function show(page) {
  Idiomorph.morph(document.querySelector("main"), page.querySelector("main"), {callbacks});
  document.title = page.title;
  prepare();
  for (const call of node.onRefresh) call(page);
}

// An event concerns this page if it names no other project or job than the address of the page.
const kinds = new Set((root.dataset.live ?? "").split(" ").filter(Boolean));
const names = JSON.parse(root.dataset.names ?? "{}");

function concerns(data) {
  return Object.entries(names).every(([name, value]) => data[name] === undefined || data[name] === value);
}

function receive(message) {
  if (message.open !== undefined) {
    for (const sign of document.querySelectorAll("[data-stream-state]")) {
      sign.hidden = false;
      sign.classList.toggle("away", !message.open);
      sign.textContent = message.open ? sign.dataset.live : sign.dataset.away;
    }
    return;
  }
  if (message.kind !== "reset" && !concerns(message.data)) return;
  for (const call of node.onEvent) call(message);
  if (message.kind === "reset" || kinds.has(message.kind)) refresh();
}

// One stream for all tabs; a browser without SharedWorker gets one for each visible tab.
function follow() {
  const address = new URL(`${root.dataset.base}/events`, location.href).href;
  const hello = {address, last: root.dataset.last};
  if (window.SharedWorker) {
    const worker = new SharedWorker(root.dataset.stream);
    worker.port.onmessage = ({data}) => receive(data);
    worker.port.postMessage(hello);
    addEventListener("pagehide", () => worker.port.postMessage({bye: true}));
    addEventListener("pageshow", (event) => { if (event.persisted) worker.port.postMessage({...hello, last: ""}); });
    return;
  }
  const source = new EventSource(`${address}?last=${encodeURIComponent(hello.last)}`);
  source.onopen = () => receive({open: true});
  source.onerror = () => receive({open: false});
  for (const kind of [...kinds, "reset"]) {
    source.addEventListener(kind, (event) => receive({kind, data: JSON.parse(event.data)}));
  }
  addEventListener("pagehide", () => source.close());
}

if (kinds.size > 0) {
  follow();
  setInterval(() => { if (Date.now() - latest > QUIET) refresh(); }, QUIET);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isStale) refresh(); });
}
