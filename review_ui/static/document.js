// The page of a document: pointing at a field, in the table or on the paper, lights up both; the paper can be enlarged.

let lit = [];

function light(event) {
  const field = event.target.closest?.("[data-field]");
  for (const element of lit) element.classList.remove("lit");
  lit = field ? [...document.querySelectorAll(`[data-field="${CSS.escape(field.dataset.field)}"]`)] : [];
  for (const element of lit) element.classList.add("lit");
}

document.addEventListener("mouseover", light);
document.addEventListener("focusin", light);

// A link from the table to the paper, or back, also moves the keyboard there.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  const target = link && document.getElementById(decodeURIComponent(link.getAttribute("href").slice(1)));
  if (!target?.dataset.field) return;
  event.preventDefault();
  target.focus({ preventScroll: true });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target.scrollIntoView({ block: "center", inline: "center", behavior: calm ? "auto" : "smooth" });
});

const SIZES = 4; // see the classes size-0 to size-3

for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const paper = button.closest("figure").querySelector(".paper");
    const size = Math.max(0, Math.min(SIZES - 1, Number(paper.dataset.size ?? 0) + Number(button.dataset.zoom)));
    paper.classList.remove(`size-${paper.dataset.size ?? 0}`);
    paper.dataset.size = String(size);
    paper.classList.add(`size-${size}`);
  });
}
