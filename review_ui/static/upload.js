// Sends files piece by piece (tus 1.0) as soon as they are chosen, goes on after a broken line or a signed-out session,
// tells which were received before, and hands the batch over at the end.

import { csrfToken, renewToken } from "./shell.js";

const form = document.querySelector("[data-upload]");
const list = form.querySelector("[data-list]");
const template = document.querySelector("[data-file-template]");
const drop = form.querySelector("[data-drop]");
const sum = form.querySelector("[data-sum]");
const sumProgress = form.querySelector("[data-sum-progress]");
const problem = form.querySelector("[data-problem]");
const button = form.querySelector("[data-hand-over]");

const LIMIT = Number(form.dataset.fileBytes);
const MOST = Number(form.dataset.mostFiles);
const LEAST_PIECE = 128 * 1024;
const MOST_PIECE = 8 * 1024 * 1024;
const GOOD_SECONDS = 1; // how long a piece may take: so often the progress moves
const AT_ONCE = 2;
const LONGEST_WAIT = 10; // seconds between two attempts on a broken line
const JUNK = /^(\..*|~.*|Thumbs\.db|desktop\.ini|.*\.(part|filepart|tmp|crdownload))$/i;
const TYPE = "application/offset+octet-stream";

// One for this page: should the answer be lost, handing over again receives nothing twice.
const KEY = crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-");

const files = [];
let running = 0;
let isWanted = false; // whether "Hand over" was pressed
let isDone = false;

class Item {
  constructor(file, name) {
    this.file = file;
    this.name = name;
    this.sent = 0;
    this.state = "waiting"; // waiting, sending, sent, refused
    this.stop = new AbortController();
    const fragment = template.content.cloneNode(true);
    this.row = fragment.querySelector("li");
    this.bar = this.row.querySelector("progress");
    this.words = this.row.querySelector(".upload-file__state");
    this.note = this.row.querySelector(".upload-file__note");
    this.row.querySelector(".upload-file__name").textContent = name;
    this.row.querySelector(".upload-file__size").textContent = sizeInWords(file.size);
    this.bar.setAttribute("aria-label", `${name} sent`);
    const remove = this.row.querySelector("button");
    remove.setAttribute("aria-label", `Leave out ${name}`);
    remove.addEventListener("click", () => leaveOut(this));
    list.append(fragment);
    this.show("Waiting");
  }

  show(words) {
    this.words.textContent = words;
    this.bar.value = this.file.size ? this.sent / this.file.size : 0;
    this.bar.hidden = this.state === "refused";
    this.row.dataset.state = this.state;
    showSum();
  }

  refuse(words) {
    this.state = "refused";
    this.show(`Not taken: ${words}`);
  }

  // Under this name the browser remembers how far the file was sent, in case the page is closed meanwhile.
  get memory() {
    const { size, lastModified } = this.file;
    return `postroom-upload ${form.dataset.person} ${size} ${lastModified} ${this.name}`;
  }
}

function sizeInWords(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} kB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

// ---- Choosing

async function add(chosen) {
  problem.hidden = true;
  const wanted = chosen.filter(({ file }) => !JUNK.test(file.name));
  for (const { file, name } of wanted) {
    if (files.length >= MOST) {
      complain(`A batch has at most ${MOST} files: hand this one over, then begin the next.`);
      break;
    }
    const item = new Item(file, name);
    files.push(item);
    const fault = await faultOf(file);
    if (fault) item.refuse(fault);
    pump();
  }
  showSum();
  tellDuplicates();
}

// Why a file cannot be taken, as far as it can be told before anything is sent; the server looks again.
async function faultOf(file) {
  if (file.size === 0) return "the file is empty.";
  if (file.size > LIMIT) {
    return `the file has ${sizeInWords(file.size)}, at most ${form.dataset.fileSize} are allowed. Split it, or scan at 300 dpi with compression.`;
  }
  let start;
  try {
    start = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
  } catch {
    return "it cannot be opened here. Was it moved?";
  }
  const begins = (...signs) => signs.every((sign, place) => start[place] === sign);
  const isScan =
    begins(0x49, 0x49, 0x2a, 0) || begins(0x4d, 0x4d, 0, 0x2a) || begins(0x49, 0x49, 0x2b, 0) ||
    begins(0x4d, 0x4d, 0, 0x2b) || begins(0x89, 0x50, 0x4e, 0x47) || begins(0xff, 0xd8, 0xff) ||
    new TextDecoder("latin1").decode(start).includes("%PDF-");
  return isScan ? "" : "it is no TIFF, PDF, PNG or JPEG, whatever its name says. Choose the scan itself.";
}

function leaveOut(item) {
  item.stop.abort();
  files.splice(files.indexOf(item), 1);
  const next = item.row.nextElementSibling ?? item.row.previousElementSibling;
  item.row.remove();
  (next?.querySelector("button") ?? form.elements.files).focus();
  if (item.address) {
    localStorage.removeItem(item.memory);
    fetch(item.address, { method: "DELETE", headers: { "X-CSRF-Token": csrfToken() } }).catch(() => {});
  }
  pump();
  showSum();
}

async function filesIn(entry, path = "") {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: path + file.name }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) found.push(...(await filesIn(each, `${path}${entry.name}/`)));
  }
}

// ---- Sending

function pump() {
  while (running < AT_ONCE) {
    const item = files.find((each) => each.state === "waiting");
    if (!item) break;
    item.state = "sending";
    running += 1;
    send(item).finally(() => {
      running -= 1;
      pump();
    });
  }
  if (!running) finishIfWanted();
}

class Refusal extends Error {}

async function send(item) {
  let failures = 0;
  let piece = LEAST_PIECE;
  while (item.state === "sending" && !item.stop.signal.aborted) {
    try {
      if (!item.address) await begin(item);
      if (failures) item.sent = await offsetOf(item);
      item.show(progressOf(item));
      const began = performance.now();
      const end = Math.min(item.sent + piece, item.file.size);
      const answer = await ask(item, "PATCH", { "Content-Type": TYPE, "Upload-Offset": String(item.sent) }, item.file.slice(item.sent, end));
      item.sent = Number(answer.headers.get("Upload-Offset"));
      failures = 0;
      const seconds = (performance.now() - began) / 1000;
      piece = Math.min(MOST_PIECE, Math.max(LEAST_PIECE, seconds < GOOD_SECONDS / 2 ? piece * 2 : seconds > GOOD_SECONDS * 2 ? piece / 2 : piece));
      if (item.sent === item.file.size) {
        item.state = "sent";
        item.show("Sent");
      }
    } catch (error) {
      if (item.stop.signal.aborted) return;
      if (error instanceof Refusal) {
        localStorage.removeItem(item.memory);
        item.refuse(error.message);
        return;
      }
      failures += 1;
      item.show(error.words ?? "The line is broken. Going on by itself when it is back…");
      await pause(Math.min(LONGEST_WAIT, 0.5 * 2 ** failures));
    }
  }
}

function progressOf(item) {
  return `Sending, ${Math.floor((100 * item.sent) / item.file.size)} %`;
}

async function begin(item) {
  const kept = localStorage.getItem(item.memory);
  if (kept) {
    item.address = kept;
    try {
      item.sent = await offsetOf(item);
      return;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      item.address = null; // it has expired, or was handed over
    }
  }
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(item.name)));
  const answer = await ask(item, "POST", { "Upload-Length": String(item.file.size), "Upload-Metadata": `filename ${name}` });
  item.address = answer.headers.get("Location");
  item.sent = 0;
  localStorage.setItem(item.memory, item.address);
}

async function offsetOf(item) {
  const answer = await ask(item, "HEAD", {});
  return Number(answer.headers.get("Upload-Offset"));
}

// Raises Refusal for what another attempt would not mend; anything else may go well later.
async function ask(item, method, headers, body) {
  const answer = await fetch(item.address ?? "/uploads", {
    method,
    body,
    headers: { Accept: "application/json", "Tus-Resumable": "1.0.0", "X-CSRF-Token": csrfToken(), ...headers },
    signal: item.stop.signal,
  });
  if (answer.ok) return answer;
  if (answer.status === 401 || answer.status === 403) {
    if (await renewToken()) throw new Error("the token was renewed");
    throw Object.assign(new Error(), { words: "You were signed out. Sign in in another tab: sending goes on by itself, and what was sent is kept." });
  }
  if (answer.status === 404 && method === "PATCH") {
    item.address = null; // it has expired: from the beginning
    localStorage.removeItem(item.memory);
    throw new Error("gone");
  }
  if (answer.status === 507) throw Object.assign(new Error(), { words: "There is no room left on the server. Going on when there is…" });
  if (answer.status === 409 || answer.status === 423 || answer.status === 408 || answer.status >= 500) throw new Error(String(answer.status));
  throw new Refusal(method === "HEAD" ? "it is not there any more." : await detailOf(answer));
}

async function detailOf(answer) {
  try {
    const said = await answer.json();
    return said.errors?.length ? said.errors.map((each) => each.problem).join(" ") : said.detail;
  } catch {
    return `the server answered ${answer.status}.`;
  }
}

function pause(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// ---- Duplicates: by the digest of the content, where the browser can compute it; else they are told at the end.

let hashing = null;

function tellDuplicates() {
  hashing ??= hashAll().finally(() => { hashing = null; });
}

async function hashAll() {
  if (!crypto.subtle) return;
  for (;;) {
    const some = files.filter((item) => item.state !== "refused" && item.digest === undefined).slice(0, 20);
    if (!some.length) return;
    for (const item of some) {
      item.digest = "";
      try {
        const digest = await crypto.subtle.digest("SHA-256", await item.file.arrayBuffer());
        item.digest = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
      } catch {
        continue; // it is told at the end
      }
      const twin = files.find((other) => other !== item && other.digest === item.digest);
      if (twin) noteOf(item, `The same as ${twin.name} in this batch.`);
    }
    await askWhichAreKnown(some.filter((item) => item.digest));
  }
}

async function askWhichAreKnown(some) {
  try {
    const answer = await fetch("/uploads/known", {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
      body: JSON.stringify({ sha256: some.map((item) => item.digest) }),
    });
    if (!answer.ok) return;
    const known = await answer.json();
    for (const item of some) {
      const before = known[item.digest];
      if (before) noteOf(item, `Received before as ${before.name} in `, before.batch, before.address);
    }
  } catch {
    // It is told at the end.
  }
}

function noteOf(item, words, link = "", address = "") {
  item.note.textContent = words;
  if (link) {
    const anchor = document.createElement("a");
    Object.assign(anchor, { href: address, textContent: link, className: "govuk-link", target: "_blank", rel: "noopener" });
    item.note.append(anchor, ". Leave it out unless it is to be read again.");
  }
  item.note.hidden = false;
}

// ---- Handing over

function showSum() {
  const wanted = files.filter((item) => item.state !== "refused");
  const sent = wanted.filter((item) => item.state === "sent").length;
  const bytes = wanted.reduce((total, item) => total + item.file.size, 0);
  const bytesSent = wanted.reduce((total, item) => total + item.sent, 0);
  const refused = files.length - wanted.length;
  const parts = [wanted.length ? `${sent} of ${wanted.length} files sent` : "No files yet"];
  if (refused) parts.push(`${refused} not taken`);
  const words = `${parts.join(", ")}.`;
  if (sum.textContent !== words) sum.textContent = words;
  sumProgress.hidden = !wanted.length;
  sumProgress.value = bytes ? bytesSent / bytes : 0;
  if (isDone) return;
  button.textContent = isWanted ? "Handed over as soon as all is sent…" : wanted.length ? `Hand over ${wanted.length} file${wanted.length === 1 ? "" : "s"}` : "Hand over";
}

function complain(words) {
  problem.textContent = words;
  problem.hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  problem.hidden = true;
  if (!files.some((item) => item.state !== "refused")) {
    complain("Choose at least one file first.");
    form.elements.files.focus();
    return;
  }
  isWanted = true;
  showSum();
  if (!running) finishIfWanted();
});

let isFinishing = false;

async function finishIfWanted() {
  if (!isWanted || isFinishing || files.some((item) => item.state === "waiting" || item.state === "sending")) return;
  const wanted = files.filter((item) => item.state === "sent");
  if (!wanted.length) return giveBack("Nothing is left to hand over.");
  isFinishing = true;
  button.textContent = "Handing over…";
  for (let failures = 0; ; failures += 1) {
    try {
      const answer = await fetch("/batches", {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
        body: JSON.stringify({
          uploads: wanted.map((item) => item.address.split("/").pop()),
          name: form.elements.name.value,
          received_on: form.elements.received_on.value,
          key: KEY,
        }),
      });
      if (answer.ok) {
        isDone = true;
        for (const item of wanted) localStorage.removeItem(item.memory);
        // Going back from the batch must not lead to a page that would hand it over again.
        location.replace((await answer.json()).address);
        return;
      }
      if (answer.status === 401 || answer.status === 403) {
        if (!(await renewToken())) complain("You were signed out. Sign in in another tab: then it is handed over by itself.");
      } else if (answer.status < 500) {
        return giveBack(await detailOf(answer));
      } else {
        complain("The server is busy. Trying again…");
      }
    } catch {
      complain("The line is broken. The batch is handed over by itself when it is back…");
    }
    await pause(Math.min(LONGEST_WAIT, 0.5 * 2 ** failures));
  }
}

function giveBack(words) {
  isWanted = isFinishing = false;
  complain(words);
  showSum();
}

// ---- The page

for (const each of form.querySelectorAll("[data-with-script]")) each.hidden = false;
form.elements.received_on.required = true;

form.elements.files.addEventListener("change", (event) => {
  add([...event.target.files].map((file) => ({ file, name: file.name })));
  event.target.value = "";
});
document.getElementById("folder").addEventListener("change", (event) => {
  add([...event.target.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
  event.target.value = "";
});

for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
form.addEventListener("dragleave", (event) => form.contains(event.relatedTarget) || drop.classList.remove("is-over"));
form.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("is-over");
  const entries = [...event.dataTransfer.items].map((each) => each.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return add([...event.dataTransfer.files].map((file) => ({ file, name: file.name })));
  for (const entry of entries) add(await filesIn(entry));
});

// Leaving with files that are not handed over: the browser asks first.
addEventListener("beforeunload", (event) => {
  if (!isDone && files.some((item) => item.state !== "refused")) event.preventDefault();
});
