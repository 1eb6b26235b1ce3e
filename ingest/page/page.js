"use strict";
// Without this script every period is a link to its row of the table, and every gap has its
// line. With it: details beside the grid, arrow keys, ranges and their line, copying.
(() => {
  const MISSING = new Set(["awaiting", "late", "failed", "rejected"]);
  const SVG = "http://www.w3.org/2000/svg";
  const STROKE = /m(-?\d+) (-?\d+)h(\d+)/g;

  const EXPECTED =
    "Expected a day, a month, a year or an hour: 2023-06-03, 2023-06, 2023 or 2023-06-03T07.";

  const words = (state) => state.replace("_", " ");

  const element = (name, text, className) => {
    const made = document.createElement(name);
    made.textContent = text ?? "";
    if (className) made.className = className;
    return made;
  };

  const hourKey = (picture, hour, y) => {
    const [day, time] = [y + 1, hour].map((n) => String(n).padStart(2, "0"));
    return `${picture.dataset.month}-${day}T${time}`;
  };

  // Periods, oldest first: {key, state, cell} where the grid has cells, and
  // {key, state, picture, x, y} where it has pictures of a month's hours.
  const periodsOf = (section) => {
    const periods = [...section.querySelectorAll(".cells a")].map((cell) => {
      const key = cell.getAttribute("aria-label").split(": ")[0];
      return { key, state: cell.className, cell };
    });
    for (const picture of section.querySelectorAll("[data-month]")) {
      for (const path of picture.querySelectorAll("path")) {
        const state = path.getAttribute("class");
        let [x, y] = [0, 0];
        for (const [, right, down, long] of path.getAttribute("d").matchAll(STROKE)) {
          [x, y] = [x + +right, y + +down];
          for (const end = x + +long; x < end; x++) {
            periods.push({ key: hourKey(picture, x, y), state, picture, x, y });
          }
        }
      }
    }
    return periods.sort((a, b) => (a.key < b.key ? -1 : 1));
  };

  class Feed {
    constructor(section) {
      this.section = section;
      this.grid = section.querySelector(".grid");
      this.card = section.querySelector(".card");
      this.form = section.querySelector("form");
      this.code = section.querySelector(".fetch .command code");
      this.said = section.querySelector(".said");
      this.whole = [section.dataset.start, section.dataset.end];
      this.stops = [...this.grid.querySelectorAll(".cells a, [data-month]")];
      for (const stop of this.stops) stop.tabIndex = -1;
      if (this.stops.length) this.stops[0].tabIndex = 0;
      this.grid.addEventListener("pointerdown", (event) => this.press(event));
      this.grid.addEventListener("pointermove", (event) => this.move(event));
      document.addEventListener("pointerup", () => this.release());
      this.grid.addEventListener("dragstart", (event) => event.preventDefault());
      this.grid.addEventListener("click", (event) => this.click(event));
      this.grid.addEventListener("keydown", (event) => this.key(event));
      this.grid.addEventListener("focusin", (event) => this.focus(event));
      this.form?.addEventListener("input", () => this.typed());
      this.form?.addEventListener("submit", (event) => event.preventDefault());
      this.form?.querySelector("button").addEventListener("click", () => this.all());
    }

    // Read when first needed: an hour feed has a great many.
    get periods() {
      this.known ??= periodsOf(this.section);
      this.index ??= new Map(this.known.map((period, n) => [period.cell ?? period.key, n]));
      return this.known;
    }

    // The number of the period under a pointer, or undefined.
    at(event) {
      this.periods;
      const cell = event.target.closest(".cells a");
      const picture = event.target.closest("[data-month]");
      if (cell) return this.index.get(cell);
      if (!picture) return undefined;
      const box = picture.getBoundingClientRect();
      const { x, y, width, height } = picture.viewBox.baseVal;
      const hour = Math.floor(x + ((event.clientX - box.left) / box.width) * width);
      const day = Math.floor(y + 0.5 + ((event.clientY - box.top) / box.height) * height);
      return this.index.get(hourKey(picture, hour, day));
    }

    press(event) {
      const n = this.at(event);
      if (n === undefined || event.button || event.pointerType !== "mouse") return;
      this.dragged = event.shiftKey ? undefined : n;
    }

    // Wherever the pointer is let go; the click of a picture's drag is still to come.
    release() {
      this.drew = this.dragged !== undefined && this.anchor === this.dragged;
      this.dragged = undefined;
    }

    // The pointer's period as a tooltip, and up to it a range where one is being drawn.
    move(event) {
      const over = event.target.closest(".cells a, [data-month]");
      if (!over) return;
      const n = this.at(event);
      const { key, state } = this.periods[n] ?? {};
      (over.closest(".cells a") ?? over.parentElement).title = key ? `${key}: ${words(state)}` : "";
      this.drag(event, n);
    }

    drag(event, n) {
      if (this.dragged === undefined || !(event.buttons & 1)) return;
      if (n === undefined || n === this.current) return;
      this.anchor = this.dragged;
      this.go(n, true);
    }

    click(event) {
      const n = this.at(event);
      if (n === undefined || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const ends = this.drew && n !== this.anchor;
      this.drew = false;
      this.go(n, event.shiftKey || ends);
    }

    focus(event) {
      const n = this.at(event);
      if (event.target.matches(".cells a") && n !== this.current) this.show(n);
    }

    key(event) {
      if (!event.target.matches(".cells a, [data-month]") || event.altKey || event.metaKey) return;
      const last = this.periods.length - 1;
      const from = this.current ?? this.at(event) ?? this.inPicture(event.target) ?? last;
      const to = {
        ArrowLeft: () => from - 1,
        ArrowRight: () => from + 1,
        ArrowUp: () => this.beside(from, -1),
        ArrowDown: () => this.beside(from, 1),
        Home: () => 0,
        End: () => last,
        Enter: () => from,
        " ": () => from,
        Escape: () => (this.all(), undefined),
      }[event.key];
      if (!to) return;
      event.preventDefault();
      const n = to();
      if (n === undefined || n < 0 || n > last) return;
      if (event.shiftKey || event.key === "Enter" || event.key === " ") this.go(n, event.shiftKey);
      else this.show(n);
    }

    inPicture(picture) {
      const n = this.periods.findIndex((period) => period.picture === picture);
      return n < 0 ? undefined : n;
    }

    // The period above (-1) or below (1) on the screen.
    beside(from, direction) {
      const { cell } = this.periods[from];
      if (!cell) return from + 24 * direction;
      const here = cell.getBoundingClientRect();
      let best;
      let least = Infinity;
      this.periods.forEach((period, n) => {
        const there = period.cell.getBoundingClientRect();
        const down = (there.top - here.top) * direction;
        if (down < here.height / 2 || !there.width) return;
        const far = down * 1000 + Math.abs(there.left - here.left);
        if (far < least) [best, least] = [n, far];
      });
      return best;
    }

    // Choose a period alone, or from where the choice began up to it.
    go(n, extend) {
      const before = this.anchor ?? this.current ?? n;
      this.anchor = extend ? before : n;
      this.show(n);
      const [start, end] = [this.anchor, n].sort((a, b) => a - b);
      this.choose(this.periods[start].key, this.periods[end].key);
    }

    all() {
      this.anchor = undefined;
      this.choose(...this.whole, true);
    }

    // Have the range's line, and mark what lies in it.
    choose(start, end, whole = false) {
      const inside = this.periods.filter(({ key }) => key >= start && key <= end);
      for (const { cell, key } of this.periods) {
        cell?.classList.toggle("in", !whole && key >= start && key <= end);
      }
      this.markPictures(whole ? [] : inside);
      if (!this.form) return;
      [this.form.from.value, this.form.to.value] = [start, end];
      for (const input of [this.form.from, this.form.to]) input.removeAttribute("aria-invalid");
      this.line(inside, start === end ? start : `${start} to ${end}`);
    }

    line(inside, name) {
      const missing = inside.filter(({ state }) => MISSING.has(state));
      const all = this.periods.filter(({ state }) => MISSING.has(state)).length;
      const command = this.code.parentElement;
      command.hidden = !missing.length;
      if (!missing.length) {
        this.said.textContent = `Nothing is missing in ${name}.`;
        return;
      }
      this.said.textContent =
        `Fetches ${missing.length === all ? "all" : `${missing.length} of`} ${all} missing: ${name}.`;
      const [start, end] = [missing[0].key, missing.at(-1).key];
      const body = `{"feed": "${this.section.dataset.feed}", "start": "${start}", "end": "${end}"}`;
      this.code.firstChild.data = `curl -d '${body}' "$LAKEFILL_URL"`;
    }

    typed() {
      const [start, end] = [this.form.from, this.form.to].map((input) => {
        const good = /^\d{4}(-\d\d(-\d\d(T\d\d)?)?)?$/.test(input.value.trim());
        input.setAttribute("aria-invalid", String(!good));
        return good ? input.value.trim() : undefined;
      });
      if (!start || !end) {
        this.code.parentElement.hidden = true;
        this.said.textContent = EXPECTED;
        return;
      }
      // A year or a month means all of it: "~" comes after every character of a key.
      const inside = this.periods.filter(({ key }) => key >= start && key <= `${end}~`);
      for (const { cell } of this.periods) cell?.classList.remove("in");
      for (const { cell } of inside) cell?.classList.add("in");
      this.markPictures(inside);
      this.line(inside, start === end ? start : `${start} to ${end}`);
    }

    markPictures(inside) {
      for (const mark of this.grid.querySelectorAll(".range")) mark.remove();
      const marks = new Map();
      for (const { picture, x, y } of inside) {
        if (picture) marks.set(picture, `${marks.get(picture) ?? ""}M${x} ${y}h1`);
      }
      for (const [picture, d] of marks) {
        const mark = document.createElementNS(SVG, "path");
        mark.setAttribute("class", "range");
        mark.setAttribute("d", d);
        picture.append(mark);
      }
    }

    // Show what is known of a period, and go to it.
    show(n) {
      this.current = n;
      const { key, state, cell, picture, x, y } = this.periods[n];
      for (const marked of this.section.querySelectorAll("[aria-current], .here")) {
        if (marked.matches(".here")) marked.remove();
        else marked.removeAttribute("aria-current");
      }
      const stop = cell ?? picture;
      const year = stop.closest("details");
      if (year) year.open = true;
      for (const other of this.stops) if (other.tabIndex === 0) other.tabIndex = -1;
      stop.tabIndex = 0;
      if (cell) cell.setAttribute("aria-current", "true");
      else {
        const mark = document.createElementNS(SVG, "rect");
        const place = { class: "here", x, y: y - 0.5, width: 1, height: 1 };
        for (const [name, value] of Object.entries(place)) mark.setAttribute(name, value);
        picture.append(mark);
      }
      if (document.activeElement !== stop) stop.focus({ preventScroll: !cell });
      this.describe(key, state);
    }

    describe(key, state) {
      const heading = element("h3", key);
      heading.append(" ", element("span", words(state), `said-state ${state}`));
      const list = element("dl");
      const row = document.getElementById(`${this.section.dataset.id}:${key}`);
      const names = [...this.section.querySelectorAll("thead th")];
      [...(row?.cells ?? [])].slice(2).forEach((value, n) => {
        if (!value.textContent) return;
        const pair = element("div");
        pair.append(element("dt", names[n + 2].textContent), element("dd", value.textContent));
        list.append(pair);
      });
      const close = element("button", "Close", "close");
      close.type = "button";
      close.addEventListener("click", () => this.card.classList.remove("on"));
      const parts = [close, heading, list];
      if (!row) {
        const question = `/coverage?feed=${this.section.dataset.feed}&start=${key}&end=${key}`;
        parts.push(element("p", `What else is known of it is at ${question}.`));
      }
      this.card.replaceChildren(...parts);
      this.card.classList.add("on");
    }
  }

  const decoded = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return "";
    }
  };

  const copy = async (button) => {
    const code = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(code.innerText);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  };

  document.documentElement.classList.add("js");
  const feeds = [...document.querySelectorAll("section")].map((section) => new Feed(section));
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  // A link to a period shows it; anybody may have made the link.
  const [id, key] = decoded(location.hash.slice(1)).split(/:(.*)/);
  const feed = key && feeds.find(({ section }) => section.dataset.id === id);
  const n = feed ? feed.periods.findIndex((period) => period.key === key) : -1;
  if (n >= 0) feed.show(n);
})();
