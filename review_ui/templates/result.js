"use strict";
// Pointing at a field, in the table or on the picture, or reaching it by keyboard, lights up both.
let lit = [];
function light(event) {
  const field = event.target.closest("[data-field]");
  for (const element of lit) element.classList.remove("lit");
  lit = field ? [...document.querySelectorAll(`[data-field="${field.dataset.field}"]`)] : [];
  for (const element of lit) element.classList.add("lit");
}
document.addEventListener("mouseover", light);
document.addEventListener("focusin", light);
