"use strict";
// A region is a stop for the keyboard only while there is something to scroll to.
function markScrollable() {
  for (const region of document.querySelectorAll(".scroll")) {
    const scrolls = region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1;
    region.classList.toggle("scrolls", scrolls);
    if (scrolls) region.setAttribute("tabindex", "0");
    else region.removeAttribute("tabindex");
  }
}
addEventListener("resize", markScrollable);
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("main details")) details.open = true;
});
markScrollable();

// The explorer: rows come as columns of JSON, and only a page of them is drawn at a time.
function explore(data) {
  const PAGE = 20;
  const words = data.words;
  const rows = data.id.length;
  const form = document.getElementById("explorer");
  const field = (name) => document.getElementById(name);
  const number = new Intl.NumberFormat(data.language);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const share = (permille) => (permille / 1000).toLocaleString(data.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  let lowered = null; // made when first searched
  let found = [];
  let page = 0;

  const having = data.labels.map(() => new Map()); // label -> row -> permille
  for (let i = 0; i < rows; i++) {
    for (const [label, p] of data.given[i]) having[label].set(i, p);
  }

  function matching() {
    const wanted = field("q").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const label = field("label").value === "" ? null : +field("label").value;
    const verdict = field("verdict")?.value ?? "";
    const chosen = data.groups.map((_, g) => field("g" + g).value);
    const review = field("unsure").checked; // with a label: also the texts that nearly had it
    if (wanted.length && !lowered) lowered = data.id.map((id, i) => (id + "\n" + (data.text ? data.text[i] : "")).toLowerCase());
    const labelled = (i) => label === null ? !review || data.review[i].length : review ? data.review[i].includes(label) : having[label].has(i);
    const fits = (i) => labelled(i) && chosen.every((value, g) => value === "" || data.group[g][i] === +value) &&
      (verdict === "" || data.verdict[i] === +verdict) && wanted.every((word) => lowered[i].includes(word));
    const matches = [...data.id.keys()].filter(fits);
    const sure = (i) => label === null ? data.sure[i] : having[label].get(i) ?? 0;
    const order = field("order").value;
    if (order) matches.sort((a, b) => order === "sure" ? sure(b) - sure(a) : sure(a) - sure(b));
    return matches;
  }

  function made(tag, text, name) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  }

  // text[start:end] with words marked, spans underlined and followed by the names of their labels
  function written(text, start, end, marks, spans) {
    const inside = (list) => list.filter(([a, b]) => a < end && b > start);
    const words = inside(marks), under = inside(spans);
    const edges = [...new Set([start, end, ...words.flatMap(([a, b]) => [a, b]), ...under.flatMap(([a, b]) => [a, b])])]
      .filter((at) => at >= start && at <= end).sort((a, b) => a - b);
    const out = document.createDocumentFragment();
    for (let k = 0; k + 1 < edges.length; k++) {
      const [a, b] = [edges[k], edges[k + 1]];
      let node = document.createTextNode(text.slice(a, b));
      for (const [tag, list] of [["mark", words], ["u", under]]) {
        if (list.some(([x, y]) => x <= a && b <= y)) {
          const wrapped = made(tag);
          wrapped.append(node);
          node = wrapped;
        }
      }
      out.append(node);
      for (const [, y, names] of under) if (y === b) out.append(made("i", " [" + names + "]", "code"));
    }
    return out;
  }

  const marksOf = (given) => given.flatMap((item) => pairs(item.slice(2))); // [label, permille, from, to, from, to …]
  const marksIn = (given) => given.flatMap((item) => pairs(item.slice(1))); // [label, from, to …]
  function pairs(flat) {
    const out = [];
    for (let k = 0; k < flat.length; k += 2) out.push([flat[k], flat[k + 1]]);
    return out;
  }
  const names = (given) => given.map(([label]) => data.labels[label]).join("; ");

  function item(i, label) {
    const li = made("li");
    const title = made("h3", data.id[i]);
    const about = data.groups.map((group, g) => group.values[data.group[g][i]]).filter(Boolean);
    if (about.length) title.append(made("span", " · " + about.join(" · ")));
    li.append(title);

    const chips = made("ul", undefined, "chips");
    for (const [l, p] of data.given[i]) {
      const unsure = data.review[i].includes(l);
      const text = data.labels[l] + (p >= 0 ? " " + share(p) : "") + (unsure ? " · " + words.unsure : "");
      chips.append(made("li", text, (l === label ? "chosen " : "") + (unsure ? "unsure" : "")));
    }
    for (const l of data.review[i]) if (!data.given[i].some(([g]) => g === l)) chips.append(made("li", data.labels[l] + " · " + words.near, "unsure"));
    if (chips.children.length) li.append(chips);
    if (data.notes[i]) li.append(made("p", data.notes[i]));
    if (!data.text) return li;

    const text = data.text[i];
    const spoken = data.language === data.spoken[i] ? "" : data.spoken[i];
    const placed = data.spans[i].filter(([start]) => typeof start === "number");
    const quotes = [];
    for (const [start, end, given] of data.spans[i]) {
      if (label !== null && !given.some(([l]) => l === label)) continue;
      if (typeof start === "string") quotes.push([document.createTextNode(start), names(given)]);
      else if (label !== null) quotes.push([written(text, start, end, marksIn(given.filter(([l]) => l === label)), []), names(given)]);
    }
    const marks = marksOf(data.given[i].filter(([l]) => l === label));
    if (label !== null) {
      for (const [start, end] of pairs(data.cuts[i])) {
        if (marks.some(([a, b]) => a < end && b > start)) quotes.push([written(text, start, end, marks, []), ""]);
      }
    }
    for (const [node, codes] of quotes) {
      const quote = made("blockquote");
      quote.append(node);
      if (codes) quote.append(made("i", " [" + codes + "]", "code"));
      if (spoken) quote.lang = spoken;
      li.append(quote);
    }
    if (!text) return li;
    const whole = made("p", undefined, "text");
    if (spoken) whole.lang = spoken;
    const all = marks.concat(marksIn(placed.flatMap((span) => span[2]).filter(([l]) => l === label)));
    whole.append(written(text, 0, text.length, all, placed.map(([start, end, given]) => [start, end, names(given)])));
    if (label === null || !quotes.length) li.append(whole);
    else {
      const details = made("details");
      details.append(made("summary", words.whole_text), whole);
      li.append(details);
    }
    return li;
  }

  function draw() {
    const label = field("label").value === "" ? null : +field("label").value;
    const last = Math.max(Math.ceil(found.length / PAGE) - 1, 0);
    page = Math.min(page, last);
    const shown = found.slice(page * PAGE, (page + 1) * PAGE);
    field("results").replaceChildren(...shown.map((i) => item(i, label)));
    field("results").setAttribute("start", page * PAGE + 1);
    field("status").textContent = found.length
      ? filled(words.showing, { first: number.format(page * PAGE + 1), last: number.format(page * PAGE + shown.length), found: number.format(found.length), all: number.format(rows) })
      : words.nothing;
    field("pager").hidden = last === 0;
    field("page").textContent = filled(words.page, { page: number.format(page + 1), pages: number.format(last + 1) });
    field("previous").disabled = page === 0;
    field("next").disabled = page === last;
  }

  function refresh() {
    found = matching();
    page = 0;
    draw();
  }

  function turn(step) {
    page += step;
    draw();
    field("texts-title").focus();
    field("texts-title").scrollIntoView();
  }

  // A figure in a table leads to the texts that it counts: "label=3 g0=1 review=1"
  function show(filter) {
    form.reset();
    for (const part of filter.split(" ")) {
      const [name, value] = part.split("=");
      if (name === "review") field("unsure").checked = true;
      else if (field(name)) field(name).value = value;
    }
    refresh();
    field("texts-title").focus();
    field("texts-title").scrollIntoView();
  }

  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 150);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(refresh));
  field("previous").addEventListener("click", () => turn(-1));
  field("next").addEventListener("click", () => turn(1));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-filter]");
    if (!link) return;
    event.preventDefault();
    show(link.dataset.filter);
  });
  form.hidden = false;
  refresh();
}
const source = document.getElementById("data");
if (source) explore(JSON.parse(source.textContent));
