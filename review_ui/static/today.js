// Keeps the numbers of the day fresh, part by part and only where they changed; whoever wants to read in peace pauses it.

const page = document.querySelector("[data-refresh]");
const state = page.querySelector("[data-refresh-state]");
const pause = page.querySelector("[data-refresh-pause]");
const EVERY = 10_000; // milliseconds

// What the server said of each part last: only what it says otherwise is exchanged.
const told = new Map([...page.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part.innerHTML]));

let isPaused = false;

async function refresh() {
  if (isPaused || document.hidden) return;
  try {
    const answer = await fetch(page.dataset.refresh, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) {
      state.textContent = "You were signed out: load the page again.";
      pause.hidden = true;
      return stop();
    }
    if (!answer.ok) throw new Error(String(answer.status));
    exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    say();
  } catch {
    state.textContent = "The line is gone: these numbers are not fresh. Trying again…";
  }
}

function exchange(fresh) {
  for (const part of page.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (!next || part.contains(document.activeElement)) continue;
    const html = next.innerHTML;
    if (html === told.get(part.dataset.part)) continue;
    told.set(part.dataset.part, html);
    for (const [place, details] of [...part.querySelectorAll("details")].entries()) {
      if (details.open) next.querySelectorAll("details")[place]?.setAttribute("open", "");
    }
    part.replaceWith(next);
  }
}

function say() {
  state.textContent = isPaused ? "These numbers stand still." : "These numbers follow by themselves.";
  pause.textContent = isPaused ? "Go on" : "Pause";
}

let timer = setInterval(refresh, EVERY);

function stop() {
  clearInterval(timer);
}

pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  say();
  refresh();
});
say();
