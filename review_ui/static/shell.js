// What every page does: the components, the token for htmx, and what to do when somebody was signed out meanwhile.

import { initAll } from "./vendor/govuk-frontend.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// The token that proves that a request comes from a page of ours.
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF-Token"] = csrfToken();
});

// After somebody signed in again in another tab: take the new token. Returns whether they are signed in.
export async function renewToken() {
  const answer = await fetch("/session", { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) return false;
  document.querySelector('meta[name="csrf-token"]').content = (await answer.json()).csrf_token;
  return true;
}

// Tell at the top of the page why something failed; all else on it stays as it is. `answer` is what fetch returned, or
// nothing if the server was not reached. Returns the problem, for whoever wants to say more.
export async function tellProblem(answer) {
  const problem = answer
    ? await answer.json().catch(() => ({}))
    : { detail: "The service was not reached. What you entered is still here: try again in a moment." };
  const notice = document.querySelector("#site-notice");
  const box = document.createElement("div");
  box.className = "site-notice__inner";
  const text = document.createElement("p");
  text.className = "govuk-body";
  text.textContent = problem.detail || "Something went wrong. Try again.";
  box.append(text);
  if (answer && answer.status === 401) {
    const link = document.createElement("a");
    Object.assign(link, { href: "/sign-in?next=/account", target: "_blank", rel: "noopener", className: "govuk-link" });
    link.textContent = "Sign in (opens in a new tab)";
    text.append(" ", link);
  }
  notice.replaceChildren(box);
  return problem;
}

export function clearProblem() {
  document.querySelector("#site-notice").replaceChildren();
}

// The page "You were signed out": send again what was kept on it.
for (const form of document.querySelectorAll("form[data-again]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[data-again-problem]");
    if (await renewToken()) {
      form.elements.csrf_token.value = csrfToken();
      form.submit();
    } else {
      problem.textContent = "You are not signed in yet. Sign in in the other tab first.";
    }
  });
}

// A link that is shown once: copied with one button where the browser lets us.
for (const field of document.querySelectorAll("[data-copy]")) {
  const button = document.querySelector("[data-copy-button]");
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    document.querySelector("[data-copied]").textContent = "Copied";
  });
}
