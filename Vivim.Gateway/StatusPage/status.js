"use strict";

const shownEvents = 40;
const tones = {
  started: "good", "member-up": "good", reachable: "good",
  restarted: "warn", resumed: "warn", "backed-off": "warn",
  rebalanced: "move", passivated: "move", "worker-changed": "move",
  stopped: "faint", "member-removed": "faint",
  escalated: "bad", unreachable: "bad", down: "bad",
};
const byId = id => document.getElementById(id);
let changedAt = 0;

function row(...cells) {
  const line = document.createElement("tr");
  for (const [text, tone] of cells) {
    const cell = document.createElement("td");
    cell.textContent = text;
    if (tone) cell.className = tone;
    line.append(cell);
  }
  return line;
}

function showStatus(status) {
  const height = status.height.toLocaleString("en");
  if (byId("height").textContent !== height) {
    byId("height").textContent = height;
    changedAt = Date.now();
  }
  byId("chain").textContent = status.chainId;
  byId("version").textContent = `Version ${status.version}`;
  document.title = `${height} · ${status.chainId}`;
  byId("nodes").replaceChildren(...status.nodes.map(node => row(
    [node.isSelf && status.nodes.length > 1 ? `${node.name} (this one)` : node.name],
    [node.unreachable ? `${node.status}, unreachable` : node.status, node.unreachable ? "bad" : node.status === "up" ? "good" : "warn"])));
  byId("validators").replaceChildren(...status.validators.map(validator => row(
    [`${validator.did.slice("did:key:".length, 16)}…${validator.did.slice(-6)}`, "key"],
    [validator.power, "right"],
    validator.isJailed ? ["in jail", "bad"] : [validator.isNextProposer ? "proposes next" : "", "faint"])));
}

function showEvent(event) {
  const time = new Date(event.at).toLocaleTimeString("en-GB");
  const what = event.lost ? `${event.lost} events lost` : event.region ? `${event.kind} · ${event.region}` : event.kind;
  byId("events").prepend(row([event.lost ? "" : time, "faint"], [event.node], [what, event.lost ? "bad" : tones[event.kind]]));
  while (byId("events").rows.length > shownEvents) byId("events").deleteRow(-1);
}

function connect() {
  const source = new EventSource("/events/status");
  source.addEventListener("open", () => {
    byId("events").replaceChildren();
    byId("connection").textContent = "live";
    byId("connection").className = "good";
  });
  source.addEventListener("status", message => showStatus(JSON.parse(message.data)));
  source.addEventListener("supervision", message => showEvent(JSON.parse(message.data)));
  source.addEventListener("error", () => {
    byId("connection").textContent = "no connection: trying again";
    byId("connection").className = "bad";
    // A node that is starting refuses, and then the browser would not ask again by itself.
    source.close();
    setTimeout(connect, 2000);
  });
}

setInterval(() => {
  if (changedAt) byId("age").textContent = `, since ${Math.round((Date.now() - changedAt) / 1000)} s`;
}, 1000);
connect();
