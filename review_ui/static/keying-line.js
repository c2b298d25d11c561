// The line to the service: what is sent, what waits because the line is bad, and what happens when somebody is signed
// out meanwhile. An answer is kept in this tab until the service has said that it has it; sent twice it counts once.

import { csrfToken } from "./shell.js";

const KEPT = "postroom-unsent";
const RETRY_MS = 2_000;
const PATIENCE_MS = 10_000;

export class NoLine extends Error {}

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Line extends EventTarget {
  #person;
  #unsent;
  #waiting = new Map(); // by key: who wants to know what came of it
  #isSending = false;
  state = "online"; // or "offline", "signed-out", "somebody-else"

  constructor(person) {
    super();
    this.#person = person;
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    this.#unsent = kept?.person === person ? kept.entries : [];
    addEventListener("online", () => this.flush());
    addEventListener("focus", () => this.flush());
    addEventListener("beforeunload", (event) => {
      if (this.#unsent.length) event.preventDefault();
    });
  }

  get unsent() {
    return this.#unsent.length;
  }

  get tasksOnTheWay() {
    return this.#unsent.map(({ body }) => body.task);
  }

  // Ask once. Returns {status, data}; throws NoLine if no answer came or nobody is signed in.
  async ask(path, body, { keepalive = false } = {}) {
    for (const isLast of [false, true]) {
      const answer = await this.#fetch(path, body, keepalive);
      if (answer.status === 401) this.#becomes("signed-out");
      else if (answer.status === 403 && !isLast && (await this.#isStillMine())) continue;
      else if (answer.status >= 500 || answer.status === 429) this.#becomes("offline");
      else if (this.state === "somebody-else" && answer.status === 403) throw new NoLine();
      else {
        this.#becomes("online");
        return { status: answer.status, data: await answer.json().catch(() => ({})) };
      }
      throw new NoLine();
    }
    throw new NoLine();
  }

  // Send an answer, now or as soon as it goes. Resolves with {status, data} once the service has spoken.
  post(path, body) {
    this.#unsent.push({ path, body });
    this.#keep();
    const answered = new Promise((resolve) => this.#waiting.set(body.key, resolve));
    this.flush();
    return answered;
  }

  // Take an answer back that has not gone out yet. Returns whether it could be.
  recall(key) {
    const place = this.#unsent.findIndex((entry) => entry.body.key === key);
    if (place < (this.#isSending && this.state === "online" ? 1 : 0)) return false;
    this.#unsent.splice(place, 1);
    this.#waiting.delete(key);
    this.#keep();
    return true;
  }

  // Send what waits, the first first, until nothing does.
  async flush() {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#unsent.length) {
      const entry = this.#unsent[0];
      try {
        const answer = await this.ask(entry.path, entry.body);
        if (this.#unsent[0] === entry) this.#unsent.shift();
        this.#keep();
        this.#waiting.get(entry.body.key)?.(answer);
        this.#waiting.delete(entry.body.key);
        this.dispatchEvent(new CustomEvent("answered", { detail: { entry, answer } }));
      } catch (error) {
        if (!(error instanceof NoLine)) throw error;
        await later(RETRY_MS);
        if (this.state !== "offline" && !(await this.#isStillMine())) continue;
      }
    }
    this.#isSending = false;
  }

  async #fetch(path, body, keepalive) {
    try {
      return await fetch(path, {
        method: "POST",
        keepalive,
        cache: "no-store",
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch {
      this.#becomes("offline");
      throw new NoLine();
    }
  }

  // After somebody signed in again in another tab: take the new token, if it is the same person.
  async #isStillMine() {
    try {
      const answer = await fetch("/session", { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) {
        this.#becomes(answer.status === 401 ? "signed-out" : "offline");
        return false;
      }
      const session = await answer.json();
      if (session.person !== this.#person) {
        this.#becomes("somebody-else");
        return false;
      }
      document.querySelector('meta[name="csrf-token"]').content = session.csrf_token;
      return true;
    } catch {
      this.#becomes("offline");
      return false;
    }
  }

  #becomes(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  #keep() {
    if (this.#unsent.length) {
      sessionStorage.setItem(KEPT, JSON.stringify({ person: this.#person, entries: this.#unsent }));
    } else sessionStorage.removeItem(KEPT);
    this.dispatchEvent(new Event("change"));
  }
}
