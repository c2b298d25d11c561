// The place where one answer is keyed: a line of text with candidates below it, or boxes that digits tick. Each task
// has elements of its own, so that nothing of the one before can stay behind.

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};

const TYPED = new Set(["text", "date", "integer", "money", "barcode"]);
const HINTS = {
  date: "For example 27031984, 27 3 84 or 27 Mar 1984",
  money: "For example 12.50",
  integer: "A whole number",
};

// What a task asks for. Each has: root, focus(), value() -> {act, text, options}, restore(value), key(event) -> taken?
export function answerFor(task, changed) {
  if (task.kind === "identify") return new Named(task, changed);
  if (task.kind === "adjudicate") return new Chosen(task, changed);
  return TYPED.has(task.input) ? new Typed(task, changed) : new Ticked(task, changed);
}

class Typed {
  constructor(task, changed, label = task.label) {
    this.task = task;
    this.changed = changed;
    this.input = element("input", {
      id: "answer", class: "key-input", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false",
      inputmode: { date: "text", integer: "numeric", money: "decimal" }[task.input] ?? "text",
      "aria-describedby": "key-hint key-marks key-spoken key-reasons key-problem",
    });
    this.input.value = task.text ?? "";
    this.input.addEventListener("input", () => {
      this.close();
      changed();
    });
    this.root = element(
      "div", { class: "key-answer" },
      element("label", { class: "key-label", for: "answer" }, label),
      element("p", { class: "key-hint", id: "key-hint" }, HINTS[task.input] ?? ""),
      this.input,
    );
    this.#marks();
    if (task.candidates.length) this.#candidates();
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  value() {
    return { act: "value", text: this.input.value, options: [] };
  }

  restore(value) {
    this.input.value = value.text ?? "";
  }

  type(keys) {
    this.input.setRangeText(keys, this.input.selectionStart, this.input.selectionEnd, "end");
    this.changed();
  }

  key(event) {
    if (event.altKey && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      return this.#jump(event.key === "ArrowRight" ? 1 : -1);
    }
    if (!this.list) return false;
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown") return this.#choose(isOpen ? this.at + 1 : 0);
    if (event.key === "ArrowUp" && isOpen) return this.#choose(this.at - 1);
    if (event.key === "Escape" && isOpen) return this.close();
    if (event.key === "Enter" && isOpen) return this.#take(this.at);
    return false;
  }

  close() {
    if (!this.list) return false;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    return true;
  }

  // The text as it was read, each doubtful character marked by a sign below it, by its weight and in words.
  #marks() {
    if (!this.task.doubts.length) return;
    const shown = element("span", { "aria-hidden": "true" });
    let place = 0;
    for (const { start, end, grade } of this.task.doubts) {
      shown.append(this.task.text.slice(place, start));
      shown.append(element("span", { class: `key-doubt key-doubt--${grade}` }, this.task.text.slice(start, end)));
      place = end;
    }
    shown.append(this.task.text.slice(place));
    const words = this.task.doubts.map(
      ({ start, end, grade }) =>
        `${grade === "doubtful" ? "doubtful" : "look again"}: “${this.task.text.slice(start, end)}”, character ${start + 1}`,
    );
    const said = element("span", { class: "govuk-visually-hidden" }, `Read as: ${words.join("; ")}.`);
    this.root.append(element("p", { class: "key-marks", id: "key-marks" }, shown, said));
  }

  #candidates() {
    this.at = -1;
    this.list = element("ul", { id: "key-candidates", role: "listbox", class: "key-candidates", "aria-label": "Candidates" });
    this.list.hidden = true;
    this.task.candidates.forEach((text, place) => {
      const option = element("li", { id: `candidate-${place}`, role: "option", "aria-selected": "false" }, text);
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        this.#take(place);
      });
      this.list.append(option);
    });
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-expanded": "false", "aria-controls": "key-candidates", "aria-autocomplete": "none",
      "aria-haspopup": "listbox",
    })) this.input.setAttribute(name, value);
    this.input.after(this.list);
    const count = this.task.candidates.length;
    this.root.querySelector("#key-hint").append(` ↓ shows ${count === 1 ? "another reading" : `${count} other readings`}`);
  }

  #choose(place) {
    const options = [...this.list.children];
    this.at = (place + options.length) % options.length;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.setAttribute("aria-activedescendant", options[this.at].id);
    options.forEach((option, number) => option.setAttribute("aria-selected", String(number === this.at)));
    return true;
  }

  #take(place) {
    this.input.value = this.task.candidates[place];
    this.close();
    this.focus();
    this.changed();
    return true;
  }

  #jump(by) {
    const { doubts } = this.task;
    if (!doubts.length) return false;
    const here = this.input.selectionStart;
    const sorted = by > 0 ? doubts : [...doubts].reverse();
    const next = sorted.find(({ start }) => (by > 0 ? start > here : start < here)) ?? sorted[0];
    this.input.setSelectionRange(next.start, next.end);
    return true;
  }
}

// Boxes with a number each: digits and the space bar tick, Enter accepts.
class Boxes {
  constructor(task, changed, { legend, hint, type, items }) {
    this.task = task;
    this.changed = changed;
    this.boxes = items.map((item, place) =>
      element("input", { type, name: "answer", id: place ? `answer-${place}` : "answer", value: String(place), checked: item.isTicked }),
    );
    this.root = element(
      "fieldset", { class: "key-answer key-boxes", "aria-describedby": "key-hint key-reasons key-problem" },
      element("legend", { class: "key-label" }, legend),
      element("p", { class: "key-hint", id: "key-hint" }, hint),
      ...items.map((item, place) =>
        element(
          "label", { class: "key-choice" },
          this.boxes[place],
          element("kbd", { "aria-hidden": "true" }, place < 9 ? String(place + 1) : ""),
          element("span", {}, item.label),
        ),
      ),
    );
    this.boxes.forEach((box) => box.addEventListener("change", () => this.ticked(box)));
  }

  focus() {
    (this.boxes.find((box) => box.checked) ?? this.boxes[0])?.focus();
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !/^[1-9]$/.test(event.key)) return false;
    const box = this.boxes[Number(event.key) - 1];
    if (!box || event.target.type === "text") return false;
    box.focus();
    box.click();
    return true;
  }

  type(keys) {
    for (const key of keys) if (/^[1-9]$/.test(key)) this.boxes[Number(key) - 1]?.click();
  }

  ticked() {
    this.changed();
  }

  get places() {
    return this.boxes.flatMap((box, place) => (box.checked ? [place] : []));
  }
}

class Ticked extends Boxes {
  constructor(task, changed) {
    super(task, changed, {
      legend: task.label,
      hint: task.several ? "Digits tick, more than one may be ticked" : "Digits tick",
      type: "checkbox",
      items: task.options.map((label) => ({ label, isTicked: task.ticked?.includes(label) ?? false })),
    });
  }

  ticked(box) {
    if (!this.task.several && box.checked) this.boxes.forEach((other) => (other.checked = other === box));
    this.changed();
  }

  value() {
    return { act: "value", text: "", options: this.places.map((place) => this.task.options[place]) };
  }

  restore(value) {
    this.boxes.forEach((box, place) => (box.checked = value.options?.includes(this.task.options[place]) ?? false));
  }
}

// A third person chooses between entries that say nothing of whose they are, or keys another.
class Chosen extends Boxes {
  constructor(task, changed) {
    const other = { label: "Something else" };
    const items = task.choices.map((choice) => ({ label: choice.text || "Nothing", isTicked: false }));
    super(task, changed, {
      legend: task.label,
      hint: "Two people keyed different things. Look at the paper and choose what stands there",
      type: "radio",
      items: [...items, other],
    });
    this.other = answerFor({ ...task, kind: "key", text: null, candidates: [], doubts: [] }, changed);
    this.other.root.classList.add("key-other");
    this.other.root.querySelector(".key-label").textContent = "What stands there";
    for (const part of this.other.root.querySelectorAll("[id]")) part.id = `other-${part.id}`;
    this.other.root.querySelector("label")?.setAttribute("for", "other-answer");
    this.other.root.hidden = true;
    this.root.append(this.other.root);
  }

  ticked(box) {
    const isOther = box === this.boxes.at(-1);
    this.other.root.hidden = !isOther;
    if (isOther) this.other.focus();
    this.changed();
  }

  value() {
    const [place] = this.places;
    if (place === undefined) return null;
    if (place === this.task.choices.length) return this.other.value();
    const { text, options, status } = this.task.choices[place];
    return { act: status ?? "value", text: status ? "" : text, options };
  }

  restore() {}
}

class Named extends Boxes {
  constructor(task, changed) {
    super(task, changed, {
      legend: task.label,
      hint: "Its fields are then keyed from the paper. A document of no form here goes out as it is",
      type: "radio",
      items: [...task.forms.map(([id, title]) => ({ label: title, isTicked: id === task.form_type })), { label: "None of these" }],
    });
  }

  value() {
    const [place] = this.places;
    return place === undefined ? null : { act: "identify", text: this.task.forms[place]?.[0] ?? "", options: [] };
  }

  restore() {}
}
