"use strict";
// One stream of events for all tabs of this browser: a SharedWorker.

const KINDS = ["job", "stats", "egg", "crawl", "node", "reset"];
// Milliseconds until a stream that the server refused is opened again.
const PAUSE = 5000;
const tabs = new Set();
let source = null, last = "", isOpen = false;

function send(message) {
  for (const tab of tabs) tab.postMessage(message);
}

function connect(address, since) {
  last = since;
  const opened = source = new EventSource(`${address}?last=${encodeURIComponent(since)}`);
  source.onopen = () => send({open: isOpen = true});
  source.onerror = () => {
    send({open: isOpen = false});
    if (opened.readyState === EventSource.CLOSED) {
      setTimeout(() => { if (source === opened) connect(address, last); }, PAUSE);
    }
  };
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      last = event.lastEventId;
      send({kind, data: JSON.parse(event.data)});
    });
  }
}

addEventListener("connect", (event) => {
  const tab = event.ports[0];
  tab.onmessage = ({data}) => {
    if (data.bye) {
      tabs.delete(tab);
      if (tabs.size === 0 && source !== null) { source.close(); source = null; }
      return;
    }
    tabs.add(tab);
    if (source === null) connect(data.address, data.last);
    else if (data.last !== last) tab.postMessage({kind: "reset", data: {}});
    tab.postMessage({open: isOpen});
  };
});
