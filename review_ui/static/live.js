// A page that shows mail while it moves: numbers by server-sent events; what else changed is loaded anew, piece by piece,
// so that whoever is just reading or typing is not disturbed.

const page = document.querySelector("[data-live]");
const state = page.querySelector("[data-live-state]");
const parts = page.querySelector("[data-live-parts]");
const LATER = 400; // milliseconds between news and loading, so that a rush of news loads once

let shape = page.dataset.shape;
let loading = null;

function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

function show(news) {
  for (const [key, count] of Object.entries(news.counts)) {
    const text = count.toLocaleString("en-GB");
    for (const place of page.querySelectorAll(`[data-count="${CSS.escape(key)}"]`)) {
      if (place.textContent !== text) place.textContent = text;
    }
  }
  drawBar(news.bar);
  say(news.moving ? "Moving: these numbers follow by themselves." : "");
  if (news.shape !== shape) {
    shape = news.shape;
    clearTimeout(loading);
    loading = setTimeout(load, LATER);
  }
}

// The bar above the numbers, and what its colours mean.
function drawBar(segments) {
  const bar = page.querySelector("[data-bar]");
  if (!bar) return;
  const drawn = segments.map(({ style, x, width }) => {
    const part = document.createElementNS(bar.namespaceURI, "rect");
    part.setAttribute("class", `state-${style}`);
    for (const [name, value] of Object.entries({ x, y: 0, width, height: 14 })) part.setAttribute(name, value);
    return part;
  });
  const named = segments.map(({ style, count, label }) => {
    const entry = document.createElement("li");
    const dot = Object.assign(document.createElement("span"), { className: `dot state-${style}` });
    dot.setAttribute("aria-hidden", "true");
    entry.append(dot, `${count.toLocaleString("en-GB")} ${label}`);
    return entry;
  });
  bar.replaceChildren(...drawn);
  bar.nextElementSibling.replaceChildren(...named);
}

async function load() {
  try {
    const answer = await fetch(page.dataset.parts, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    exchange(parts, fresh);
  } catch {
    // The stream tells that the line is gone; when it is back there are news again.
  }
}

// Make `old` hold what `fresh` holds: pieces with a key stay where they are unless their version is another one.
function exchange(old, fresh) {
  const keyed = new Map([...old.children].filter((each) => each.dataset.key).map((each) => [each.dataset.key, each]));
  let place = old.firstElementChild;
  for (const next of [...fresh.children]) {
    const before = keyed.get(next.dataset.key);
    if (!before) {
      old.insertBefore(next, place);
      continue;
    }
    keyed.delete(next.dataset.key);
    const busy = before.contains(document.activeElement) && before.querySelector("input:focus, textarea:focus");
    if (before.dataset.version !== next.dataset.version && !busy) {
      before.replaceWith(next);
      if (place === before) place = next.nextElementSibling;
    } else {
      const [oldList, newList] = [before, next].map((each) => each.querySelector("ul.files"));
      if (oldList && newList) exchange(oldList, newList);
      if (place === before) place = before.nextElementSibling;
    }
  }
  for (const gone of keyed.values()) {
    if (!gone.contains(document.activeElement)) gone.remove();
  }
}

const source = new EventSource(page.dataset.live);
source.addEventListener("message", (event) => show(JSON.parse(event.data)));
source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED) {
    say("These numbers do not follow any more: load the page again.");
  } else {
    // The stream is begun anew about once a minute: only a line that stays gone is worth a word.
    setTimeout(() => source.readyState === EventSource.OPEN || say("The line is gone. Trying again…"), 4000);
  }
});
source.addEventListener("open", () => state.textContent.startsWith("The line") && say(""));
addEventListener("pagehide", () => source.close());
