// Live updates: when the node says that something changed, the page is fetched anew and its
// <main> replaced. The server renders; this file knows nothing about pods.

const PACE_MS = 2000; // at most one fetch in so long
const state = document.getElementById("live-state");
let wanted = false;
let busy = false;

function tell(text, kind) {
  state.hidden = false;
  state.textContent = text;
  state.className = "live " + kind;
}

// Somebody who fills in a form must not lose it.
function occupied() {
  const active = document.activeElement;
  return active && active.closest("#live form, #live details[open]") !== null;
}

async function refresh() {
  if (busy || !wanted || document.hidden || occupied()) return;
  busy = true;
  wanted = false;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("#live details[open][id]")].map((d) => d.id);
      document.getElementById("live").replaceWith(next.getElementById("live"));
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      document.title = next.title;
      document.querySelector("link[rel=icon]").href = next.querySelector("link[rel=icon]").href;
      document.querySelector(".brand .dot").className = next.querySelector(".brand .dot").className;
    }
  } catch {
    wanted = true; // the stream's own error says that the node is away
  } finally {
    setTimeout(() => { busy = false; refresh(); }, PACE_MS);
  }
}

const stream = new EventSource("/api/v1/events");
stream.addEventListener("open", () => tell("live", "on"));
stream.addEventListener("error", () => tell("not connected, trying again", "off"));
stream.addEventListener("view", () => { tell("live", "on"); wanted = true; refresh(); });
document.addEventListener("visibilitychange", () => { wanted = true; refresh(); });
