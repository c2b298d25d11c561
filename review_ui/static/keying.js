// The keying screen: one task after the other, the next three ready in memory, every answer safe until it has arrived.

import { answerFor } from "./keying-answer.js";
import { Line, NoLine } from "./keying-line.js";

const AHEAD = 4; // the task in hand and the next three
const QUICK_MS = 50; // an answer that takes longer is not waited for: the next task is shown
const DRAFT_MS = 800;
const PREVIEW_MS = 150;
const DEEP = 10;
const PIXELS_PER_MM = 96 / 25.4;
const CLAIM_AGAIN_MS = 15_000;

const root = document.getElementById("key");
const part = (name) => root.querySelector(`[data-${name}]`);
const { queue, field, form } = root.dataset;
const screen = (sessionStorage["postroom-screen"] ??= crypto.randomUUID());
const line = new Line(Number(root.dataset.person));
const state = { tasks: [], done: [], count: 0, answer: null, isBusy: false, isFilling: false, ahead: "", isTooEarly: false, document: null };
let zoom = Number(localStorage["postroom-zoom"]) || 1.5;

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const current = () => state.tasks[0];
const held = () => Object.fromEntries(state.tasks.map((task) => [task.id, task.fence]));
const of = (task) => ({ task: task.id, fence: task.fence, version: task.version });

// --- tasks: taken ahead, with their pictures -------------------------------------------------------------------------

async function fill() {
  if (state.isFilling || state.tasks.length >= AHEAD) return;
  state.isFilling = true;
  let wasEmpty = false;
  try {
    const document = field ? null : (state.tasks.at(-1)?.document ?? state.document);
    const { status, data } = await line.ask("/key/claim", {
      screen, queue, field: field || null, form: form || null, document,
      have: state.tasks.map((task) => task.id), sent: line.tasksOnTheWay.slice(0, 100), count: AHEAD - state.tasks.length,
    });
    if (status !== 200) return complain(data.detail);
    wasEmpty = !state.tasks.length;
    const here = new Set(state.tasks.map((task) => task.id)); // one may have been taken back meanwhile
    for (const task of data.tasks) if (!here.has(task.id)) state.tasks.push(prepared(task));
    state.waiting = data.waiting;
    tell();
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
  } finally {
    state.isFilling = false;
    // Also where nothing came because the service failed: an empty screen would say nothing at all.
    if (wasEmpty || !state.tasks.length) show();
  }
}

function prepared(task) {
  task.picture = task.box ? picture(`/tasks/${task.id}/snippet.png`) : picture(`/tasks/${task.id}/pages/${task.page}.jpg`);
  return task;
}

// A picture in memory. null: there is none, and `why` says it in words.
async function picture(path) {
  try {
    const answer = await fetch(path, { cache: "no-store", headers: { Accept: "image/*, application/json" } });
    if (!answer.ok) return { why: (await answer.json()).detail };
    const numbers = (name) => answer.headers.get(name)?.split(",").map(Number);
    const image = new Image();
    image.src = URL.createObjectURL(await answer.blob());
    await image.decode();
    return { image, target: numbers("X-Target"), paper: numbers("X-Paper") };
  } catch {
    return { why: "The picture did not arrive." };
  }
}

function forget(task) {
  task.picture.then(({ image }) => image && URL.revokeObjectURL(image.src));
}

// --- showing ---------------------------------------------------------------------------------------------------------

function show() {
  const task = current();
  part("task").hidden = !task;
  part("nothing").hidden = Boolean(task) || state.isFilling;
  part("begin").hidden = true;
  if (!task) return part("nothing").hidden || part("again").focus();
  state.document = task.document;
  part("form").textContent = [task.form, task.file].filter(Boolean).join(" · ");
  state.answer = answerFor(task, changed);
  part("answer").replaceChildren(state.answer.root);
  if (task.kept ?? task.draft) state.answer.restore(task.kept ?? task.draft);
  part("spoken").textContent = "";
  part("again-note").hidden = !task.is_again;
  part("reasons").replaceChildren(...reasonsOf(task).map((words) => Object.assign(document.createElement("li"), { textContent: words })));
  problem(task.doubtful ?? [], Boolean(task.doubted));
  paper(task);
  state.answer.focus();
  lookAhead();
  tell();
  if (task.there) merge(task, task.there);
}

function reasonsOf(task) {
  const words = [...task.reasons];
  if (task.referred) words.unshift(`Referred by a ${task.referred.by}: ${task.referred.reason}. ${task.referred.note}`);
  return words;
}

async function paper(task) {
  const place = part("paper");
  const found = await Promise.race([task.picture, later(0)]);
  if (!found) place.replaceChildren();
  const { image, target, paper, why } = await task.picture;
  if (current() !== task) return;
  if (why) {
    const words = Object.assign(document.createElement("p"), { className: "key-no-picture", textContent: why });
    return place.replaceChildren(words);
  }
  image.alt = task.box ? `The paper where “${task.label}” stands` : "The page";
  image.className = "key-picture";
  const frame = document.createElement("div");
  frame.className = "key-frame";
  frame.append(image);
  if (paper) frame.style.width = `${paper[0] * PIXELS_PER_MM * zoom}px`;
  if (target) {
    const box = document.createElement("div");
    box.className = "key-box";
    const [left, top, right, bottom] = target.map((share) => share * 100);
    Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
    frame.append(box);
  }
  place.replaceChildren(frame);
}

function problem(words, mayBeMeant = false) {
  const insist = mayBeMeant ? ["Press Enter again if that is what stands there."] : [];
  part("problem").textContent = words.length ? [...words, ...insist].join(" ") : "";
}

function complain(words) {
  part("notice").textContent = words ?? "";
}

const STATES = {
  offline: (count) => `No connection. ${kept(count)} You can go on: it is tried again every two seconds.`,
  "signed-out": (count) => `You are signed out. ${kept(count)}`,
  "somebody-else": (count) => `Somebody else is signed in in this browser. ${kept(count)} Sign in as yourself to send them.`,
};
const kept = (count) => (count ? `${count === 1 ? "1 answer is" : `${count} answers are`} kept in this tab; nothing is lost.` : "Nothing is lost.");

function tell() {
  const count = line.unsent;
  part("banner").hidden = line.state === "online";
  if (line.state !== "online") part("banner-words").textContent = STATES[line.state](count);
  part("sign-in").hidden = line.state === "online" || line.state === "offline";
  part("done-count").textContent = String(state.count);
  part("waiting").textContent = state.waiting === undefined ? "" : ` · ${state.waiting + Math.max(state.tasks.length - 1, 0)} to go`;
  part("saved").textContent = line.state === "online" && count ? "Saving…" : "";
}

function listDone() {
  const rows = state.done.slice(-3).reverse().map(({ task, words }) => {
    const row = document.createElement("li");
    row.append(Object.assign(document.createElement("span"), { className: "key-done__label", textContent: task.label }));
    row.append(Object.assign(document.createElement("span"), { className: "key-done__value", textContent: words }));
    return row;
  });
  part("done").replaceChildren(...rows);
  part("done-section").hidden = !rows.length;
}

// --- answering -------------------------------------------------------------------------------------------------------

const SAID = { blank: "Left blank", unreadable: "Cannot be read", not_found: "Not on these pages" };
const wordsOf = (value) => SAID[value.act] ?? (value.options.length ? value.options.join(", ") : value.text || "Nothing");

async function accept(act) {
  const task = current();
  if (!task || state.isBusy) return;
  const value = act ? { act, text: "", options: [] } : state.answer.value();
  if (!value) return problem(["Choose one of them first."]);
  const isSure = Boolean(task.doubtful) && JSON.stringify(task.doubted) === JSON.stringify(value);
  await send("/key/enter", task, { ...value, sure: isSure, over: task.over ?? null }, value, wordsOf(value));
}

async function passOn(reason, note) {
  const task = current();
  if (!task || state.isBusy) return;
  const words = reason ? "Referred" : "Skipped";
  await send("/key/pass-on", task, reason ? { reason, note } : {}, null, words);
}

// Send, and wait a moment for what comes of it. If that takes longer, go on: should there be something to say, the task
// comes back as the next one, never under the hands of somebody who types.
async function send(path, task, more, value, words) {
  setBusy(true);
  const key = crypto.randomUUID();
  task.kept = value;
  clearTimeout(timers.draft);
  clearTimeout(timers.preview);
  const answered = line.post(path, { ...of(task), screen, key, ...more });
  const decision = { key, task, words };
  const quick = await Promise.race([answered, later(QUICK_MS)]);
  if (quick) settle(quick, decision);
  else {
    advance(decision);
    answered.then((answer) => comeBack(answer, decision));
  }
  goOn(current() !== task);
}

function setBusy(isBusy) {
  state.isBusy = isBusy;
  root.setAttribute("aria-busy", String(isBusy));
}

// No key that decides is kept for a field nobody has seen yet: it would accept what the machine read unlooked at. What was
// typed goes into the next field, and nowhere else.
function pressedMeanwhile(event) {
  if (["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"].includes(event.key)) return;
  if (state.isTooEarly) return; // behind a key that was not taken the rest would mean something else
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey;
  if (isPlain && event.key.length === 1) state.ahead += event.key;
  else if (isPlain && event.key === "Backspace" && state.ahead) state.ahead = state.ahead.slice(0, -1);
  else state.isTooEarly = true;
}

// The answer is away or back: type what was typed for the next field, and say what was not taken.
function goOn(isNext) {
  const { ahead, isTooEarly } = state;
  Object.assign(state, { ahead: "", isTooEarly: false });
  setBusy(false);
  const isTyped = Boolean(ahead && isNext && current());
  if (isTyped) state.answer.type(ahead);
  if (isTooEarly || (ahead && !isTyped)) complain("A key came too early and was not taken: look at this field first.");
}

function settle({ status, data }, decision) {
  const { task } = decision;
  if (status === 200 && data.outcome !== "again") return advance(decision);
  if (note({ status, data }, task)) show();
}

function comeBack(answer, decision) {
  const { task } = decision;
  if (answer.status === 200 && answer.data.outcome !== "again") return fill();
  state.done = state.done.filter((each) => each !== decision);
  state.count -= 1;
  if (!note(answer, task)) return listDone();
  state.tasks.splice(state.tasks.length ? 1 : 0, 0, task);
  if (state.tasks.length === 1) show();
  complain("One answer came back: it is the next one.");
  listDone();
}

// What the service said to an answer that it did not simply take. Returns whether the task is shown again.
function note({ status, data }, task) {
  if (status === 200) {
    Object.assign(task, { version: data.version, fence: data.fence, is_again: true, kept: null, draft: null, text: null });
  } else if (status === 422 && data.doubts) {
    Object.assign(task, { doubtful: data.doubts, doubted: data.may_be_meant ? task.kept : null });
  } else if (status === 409) task.there = data.there;
  else {
    complain(data.detail ?? "This could not be done.");
    return false;
  }
  return true;
}

function advance(decision) {
  state.done.push(decision);
  if (state.done.length > DEEP) forget(state.done.shift().task);
  state.count += 1;
  state.tasks = state.tasks.filter((task) => task !== decision.task);
  complain("");
  show();
  listDone();
  fill();
}

async function undo() {
  if (state.isBusy) return;
  setBusy(true);
  const last = state.done.at(-1);
  const task = current();
  if (task) task.kept = state.answer.value();
  try {
    if (last && line.recall(last.key)) state.tasks.unshift(last.task);
    else {
      await Promise.race([flushed(), later(2_000)]);
      const body = { screen, key: crypto.randomUUID(), which: last?.key ?? null };
      const { status, data } = await line.ask("/key/undo", body);
      if (status !== 200) return complain(data.detail);
      const task = last?.task.id === data.task.id ? Object.assign(data.task, { picture: last.task.picture }) : prepared(data.task);
      state.tasks = [task, ...state.tasks.filter((other) => other.id !== data.task.id)];
    }
    if (last) state.count -= 1;
    state.done.pop();
    complain("Taken back.");
    show();
    listDone();
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
    complain("Without a connection only what has not been sent yet can be taken back.");
  } finally {
    goOn(false);
  }
}

async function flushed() {
  while (line.unsent) await later(20);
}

// Somebody, perhaps this person in another tab, answered the task meanwhile.
function merge(task, there) {
  const who = there.is_mine ? "you, in another tab or window" : there.by ? `a ${there.by}` : "a colleague";
  const isDone = there.state === "done";
  part("merge-words").textContent = isDone
    ? `This was answered by ${who}. Nothing was overwritten.`
    : "A colleague has this now, because this screen was not heard of for too long. Your answer was not taken.";
  const theirs = there.text === null ? "Not to be seen here" : there.text || (SAID[there.status] ?? "Nothing");
  part("merge-theirs").textContent = isDone ? theirs : "Not answered yet";
  part("merge-mine").textContent = task.kept ? wordsOf(task.kept) : "";
  part("merge-replace").hidden = there.version === null;
  open("merge");
}

function leave(task) {
  forget(task);
  state.tasks = state.tasks.filter((other) => other !== task);
  show();
  fill();
}

// --- while keying: draft, preview ------------------------------------------------------------------------------------

const timers = {};

function changed() {
  const task = current();
  if (!task) return;
  if (task.doubtful) problem([]);
  task.doubtful = null;
  clearTimeout(timers.draft);
  timers.draft = setTimeout(saveDraft, DRAFT_MS);
  lookAhead();
}

const draftOf = (task) => ({ text: state.answer.value()?.text ?? "", options: state.answer.value()?.options ?? [] });

async function saveDraft() {
  const task = current();
  if (!task) return;
  try {
    const { data } = await line.ask("/key/draft", { task: task.id, fence: task.fence, draft: draftOf(task) });
    part("saved").textContent = data.saved ? "Draft saved" : "";
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
  }
}

function lookAhead() {
  const task = current();
  clearTimeout(timers.preview);
  if (!["date", "money", "integer", "text"].includes(task?.input) || ["adjudicate", "identify"].includes(task.kind)) return;
  const { text } = state.answer.value();
  if (task.input === "text" && text === task.text) return;
  timers.preview = setTimeout(async () => {
    if (!text || line.state !== "online") return (part("spoken").textContent = "");
    try {
      const { status, data } = await line.ask("/key/preview", { task: task.id, text });
      if (status !== 200 || current() !== task || state.answer.value().text !== text) return;
      part("spoken").textContent = text === task.text ? data.words : [data.words, ...data.doubts].filter(Boolean).join(" · ");
    } catch (error) {
      if (!(error instanceof NoLine)) throw error;
    }
  }, PREVIEW_MS);
}

// --- dialogs ---------------------------------------------------------------------------------------------------------

function open(name) {
  const dialog = part(`${name}-dialog`);
  if (!dialog.open) dialog.showModal();
}

for (const dialog of root.querySelectorAll("dialog")) {
  dialog.addEventListener("close", () => state.answer?.focus());
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
}

function refer() {
  if (!current() || state.isBusy) return;
  part("refer-form").reset();
  open("refer");
  part("refer-form").querySelector("input").focus();
}

part("refer-dialog").addEventListener("keydown", (event) => {
  if (/^[1-9]$/.test(event.key) && event.target.type === "radio") {
    const radio = part("refer-form").querySelectorAll("input[type=radio]")[Number(event.key) - 1];
    radio?.focus();
    radio?.click();
    event.preventDefault();
  }
});

part("refer-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { reason, note } = event.target.elements;
  part("refer-dialog").close();
  passOn(reason.value, note.value);
});

part("merge-keep").addEventListener("click", () => {
  part("merge-dialog").close();
  leave(current());
});

part("merge-replace").addEventListener("click", () => {
  part("merge-dialog").close();
  current().over = current().there.version;
  accept();
});

let viewer = null;

// The full page at the field. The viewer is loaded when it is first asked for.
async function wholePage() {
  const task = current();
  if (!task?.page) return;
  open("page");
  if (!window.OpenSeadragon) {
    // It would put a style sheet of its own into the page, which the page allows nobody: it finds this one, which is none.
    const none = document.createElementNS("urn:none", "style");
    none.setAttribute("data-openseadragon-mobile-css", "true");
    document.head.append(none);
    await new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: root.dataset.viewer, onload: resolve, onerror: reject });
      document.head.append(script);
    });
  }
  viewer ??= window.OpenSeadragon({
    element: part("page-view"), showNavigationControl: false, animationTime: 0.3, maxZoomPixelRatio: 3,
    gestureSettingsMouse: { clickToZoom: false }, drawer: "canvas",
  });
  const found = await picture(`/tasks/${task.id}/pages/${task.page}.jpg`);
  if (found.why) return (part("page-words").textContent = found.why);
  const { naturalWidth: wide, naturalHeight: high } = found.image;
  viewer.clearOverlays();
  viewer.open({ type: "image", url: found.image.src });
  viewer.addOnceHandler("open", () => {
    if (task.box) {
      const [left, top, right, bottom] = task.box;
      const ratio = high / wide;
      const place = new window.OpenSeadragon.Rect(left, top * ratio, right - left, (bottom - top) * ratio);
      viewer.addOverlay({ element: Object.assign(document.createElement("div"), { className: "key-box" }), location: place });
      const room = Math.max(place.width, 0.3);
      viewer.viewport.fitBounds(new window.OpenSeadragon.Rect(place.x - room * 0.4, place.y - room * 0.3, place.width + room * 0.8, place.height + room * 0.6), true);
    }
    viewer.canvas.focus();
  });
}

// --- keys ------------------------------------------------------------------------------------------------------------

const COMMANDS = {
  Enter: () => accept(), "Shift+Enter": undo, "Ctrl+Enter": () => passOn(), F2: wholePage, F4: () => accept("blank"),
  F8: () => accept("unreadable"), "Shift+F8": () => accept("not_found"), F9: refer, "Ctrl+/": () => open("keys"),
  "Ctrl+s": saveDraft, "Alt+=": () => scale(1.2), "Alt+-": () => scale(1 / 1.2), "Alt+0": () => scale(0),
};
const FOR_FIELDS = new Set(["blank", "unreadable", "not_found"]);

function scale(by) {
  zoom = by ? Math.min(Math.max(zoom * by, 0.5), 5) : 1.5;
  localStorage["postroom-zoom"] = String(zoom);
  if (current()) paper(current());
}

addEventListener("keydown", (event) => {
  if (root.querySelector("dialog[open]")) return;
  const name = [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.shiftKey && event.key !== "/" && "Shift", event.key]
    .filter(Boolean).join("+");
  const isInAnswer = part("answer").contains(event.target);
  if (state.isBusy && (isInAnswer || name in COMMANDS)) {
    if (!event.repeat || !COMMANDS[name]) pressedMeanwhile(event);
    return event.preventDefault();
  }
  if (isInAnswer && state.answer.key(event)) return event.preventDefault();
  const command = COMMANDS[name];
  // On a button or a link Enter does what it always does.
  if (!command || (event.key === "Enter" && !isInAnswer && event.target !== document.body)) return;
  event.preventDefault();
  if (!event.repeat) command();
});

for (const button of root.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => COMMANDS[button.dataset.do]());
}
part("again").addEventListener("click", fill);

// --- the page itself -------------------------------------------------------------------------------------------------

line.addEventListener("change", tell);
line.addEventListener("change", () => line.state === "online" && !line.unsent && fill());

setInterval(async () => {
  if (!state.tasks.length) return;
  try {
    const { data } = await line.ask("/key/heartbeat", { tasks: held() });
    const lost = new Set(data.lost ?? []);
    state.tasks = state.tasks.filter((task, place) => place === 0 || !lost.has(task.id));
  } catch (error) {
    if (!(error instanceof NoLine)) throw error;
  }
}, Number(root.dataset.heartbeat) * 1_000);

setInterval(() => !state.tasks.length && document.visibilityState === "visible" && fill(), CLAIM_AGAIN_MS);

// Whoever leaves gives back what they hold; the draft stays with the task for them.
addEventListener("pagehide", () => {
  const task = current();
  if (!task) return;
  const draft = { task: task.id, fence: task.fence, draft: draftOf(task) };
  line.ask("/key/release", { tasks: held(), draft }, { keepalive: true }).catch(() => {});
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

await line.flush();
await fill();
show();
