"use strict";
// The log of a job: its end is followed, older lines come when a person scrolls up.

const log = document.querySelector(".log");
// Milliseconds between two looks at the end of the log; lines that the page keeps.
const LOOK = 1500, LIMIT = 5000;

function lineOf({at, text, level}) {
  const line = document.createElement("div");
  line.className = `line ${level}`;
  line.id = `b${at}`;
  line.textContent = text;
  return line;
}

async function readLines(parameters) {
  const address = new URL(location.href);
  address.pathname += ".json";
  for (const name of ["before", "after", "at"]) address.searchParams.delete(name);
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  address.hash = "";
  try {
    const reply = await fetch(address, {headers: {"Accept": "application/json"}, redirect: "error"});
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}

const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;

async function follow(box) {
  if (!box.checked || document.hidden) return;
  const part = await readLines({after: log.dataset.to});
  if (part === null || part.to === Number(log.dataset.to)) return;
  const stay = isAtEnd();
  log.querySelector(".none")?.remove();
  log.append(...part.lines.map(lineOf));
  log.dataset.to = part.to;
  while (log.childElementCount > LIMIT && stay) log.firstElementChild.remove();
  if (stay) log.scrollTop = log.scrollHeight;
}

let isReading = false;

async function older() {
  const begin = Number(log.dataset.from);
  if (isReading || begin === 0 || log.scrollTop > 200) return;
  isReading = true;
  const part = await readLines({before: begin});
  isReading = false;
  if (part === null || part.from >= begin) return;
  const height = log.scrollHeight;
  log.prepend(...part.lines.map(lineOf));
  log.dataset.from = part.from;
  log.scrollTop += log.scrollHeight - height;
  if (part.from === 0) document.querySelector("[data-older]")?.remove();
}

if (log) {
  const place = log.querySelector(".here");
  if (place) place.scrollIntoView({block: "center"});
  else if (!location.search.includes("after=")) log.scrollTop = log.scrollHeight;
  const label = document.querySelector("[data-follow]");
  if (label) {
    const box = label.querySelector("input");
    label.hidden = false;
    window.node.onRefresh.push(() => {
      const fresh = document.querySelector("[data-follow]");
      if (fresh) fresh.hidden = false;
    });
    const look = async () => {
      await follow(document.querySelector("[data-follow] input") ?? box);
      setTimeout(look, LOOK);
    };
    look();
    document.addEventListener("keydown", (event) => {
      if (event.key === "f" && !event.target.matches("input, textarea, select") && !event.ctrlKey && !event.metaKey) {
        box.click();
      }
    });
  }
  if (!log.dataset.filtered) log.addEventListener("scroll", older, {passive: true});
}
