// The item browser: filters over columns, a list that draws only the rows in view, permalinks.
"use strict";

const ROW = 48;
const FIELDS = { show: "all", a: "0", b: "1", tag: "", value: "", sort: "file", q: "" };
let open = null; // the task in memory
let rows = new Uint32Array(0); // the items that the filters leave, in order
let chosen = -1; // place among rows

/** Read a task's columns into memory, unless newer work has begun when they are there. */
async function openTask(task, mine) {
  if (open?.task === task) return;
  open = null;
  [rows, chosen] = [new Uint32Array(0), -1];
  for (const id of ["list", "list-head", "detail"]) byId(id).replaceChildren();
  const key = (name) => `${task.number}/${name}`;
  const names = ["items", ...task.models.map((_, m) => `model-${m}`)];
  const read = await Promise.all(names.map((name) => load(key(name)))).catch((error) => {
    if (mine === turn) throw error;
  });
  if (mine !== turn) return;
  const [items, ...models] = read;
  const decoded = (columns) => Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, decode(column)]));
  const predicates = items.predicates;
  open = {
    ...items, task, n: items.ids.length,
    models: models.map(decoded), columns: decoded(items.columns),
    predicates: predicates ? predicates.numbers.map((number) => predicates.values[number - 1]) : [],
    place: new Map(items.ids.map((id, i) => [id, i])), texts: new Map(), search: null,
  };
  names.forEach((name) => { if (name !== "items") { delete store[key(name)]; loading.delete(key(name)); } });
}

/** Return the texts of the items of a chunk, or null where there are none. */
async function texts(chunk) {
  if (open.missing) return null;
  if (!open.texts.has(chunk)) {
    const [owner, name] = [open, `${open.task.number}/text-${chunk}`];
    const { items } = await load(name);
    delete store[name];
    owner.texts.set(chunk, items);
    if (owner !== open) return null;
  }
  return open.texts.get(chunk);
}

const textOf = (i) => open.texts.get(Math.floor(i / open.chunk))?.[i % open.chunk] ?? null;

/** Return the triples of an item in words. */
function triples(i, text) {
  const start = open.columns["predicates.start"];
  if (!start) return [];
  const label = (box) => text?.boxes?.[box]?.[0] ?? "";
  const found = [];
  for (let r = start[i]; r < start[i + 1]; r++) {
    found.push([label(open.columns.subjects[r]), open.predicates[r], label(open.columns.objects[r])].join(" ").trim());
  }
  return found;
}

/** Make the lower-case text of every item, once. */
async function prepareSearch() {
  if (open.search) return;
  const owner = open;
  const chunks = open.missing ? [] : Array.from({ length: Math.ceil(open.n / open.chunk) }, (_, c) => texts(c));
  await Promise.all(chunks);
  if (owner !== open) return;
  open.search = open.ids.map((id, i) => {
    const text = textOf(i);
    return [id, text?.question ?? "", ...(text?.captions ?? []), ...triples(i, text)].join("\n").toLowerCase();
  });
}

/** Return a test of an item for the filter "show". */
function testOf(show, a, b) {
  const sighted = open.models.filter((_, m) => !open.task.models[m].textOnly);
  const blind = open.models.filter((_, m) => open.task.models[m].textOnly);
  const [one, two] = [open.models[a].value, open.models[b].value];
  const better = open.ranks ? (x, y) => x < y : (x, y) => x > y;
  const judged = (i) => !Number.isNaN(one[i]);
  const seeing = sighted.length ? sighted : open.models;
  const isWrong = (x) => (open.ranks ? x > 1 : x === 0);
  return {
    all: () => true,
    flips: (i) => judged(i) && one[i] !== two[i],
    gained: (i) => better(two[i], one[i]),
    lost: (i) => better(one[i], two[i]),
    wrong: (i) => seeing.every(({ value }) => isWrong(value[i])),
    right: (i) => seeing.every(({ value }) => value[i] === 1),
    blind: (i) => blind.some(({ value }) => value[i] === 1),
    tied: (i) => open.models.some(({ tied }) => tied[i] === 1),
  }[show];
}

/** Return the key by which items are sorted, the least first; null for the order of the file. */
function orderOf(sort, b) {
  const seeing = open.models.filter((_, m) => !open.task.models[m].textOnly);
  const models = seeing.length ? seeing : open.models;
  const sign = open.ranks ? -1 : 1;
  const mean = (i) => models.reduce((sum, { value }) => sum + value[i], 0) / models.length;
  if (sort === "hardest") return (i) => sign * mean(i);
  if (sort === "disputed") return (i) => {
    const middle = mean(i);
    return -models.reduce((sum, { value }) => sum + (value[i] - middle) ** 2, 0);
  };
  if (sort === "margin") return (i) => Math.abs(open.models[b].margin[i]);
  return null;
}

/** Return the items that the filters leave, in order. */
function filtered(fields) {
  const [a, b] = [Number(fields.a), Number(fields.b)];
  const test = testOf(fields.show, a, b);
  const tag = fields.tag && fields.value ? open.tags[fields.tag] : null;
  const number = tag ? tag.values.indexOf(fields.value) + 1 : 0;
  const words = fields.q.trim().toLowerCase();
  const kept = new Uint32Array(open.n);
  let n = 0;
  for (let i = 0; i < open.n; i++) {
    if (tag && tag.numbers[i] !== number) continue;
    if (!test(i)) continue;
    if (words && !open.search[i].includes(words)) continue;
    kept[n++] = i;
  }
  const found = kept.slice(0, n);
  const order = orderOf(fields.sort, b);
  if (!order) return found;
  const keys = new Float64Array(open.n);
  for (const i of found) { const key = order(i); keys[i] = Number.isNaN(key) ? Infinity : key; }
  return found.sort((one, two) => (keys[one] === keys[two] ? one - two : keys[one] - keys[two]));
}

const readFields = () => Object.fromEntries(Object.keys(FIELDS).map((name) => [name, byId(name).value]));

/** Fill the choices of the filters for a task, and set them to what the address says. */
function setFields(task, given) {
  const models = task.models.map(({ name }, m) => new Option(`${m + 1} ${name}`, m));
  byId("a").replaceChildren(...models);
  byId("b").replaceChildren(...models.map((option) => option.cloneNode(true)));
  byId("tag").replaceChildren(new Option("any", ""), ...Object.keys(open.tags).map((name) => new Option(name, name)));
  const blind = task.models.some(({ textOnly }) => textOnly);
  byId("show").querySelector("[value=blind]").disabled = !blind;
  const defaults = { ...FIELDS, b: task.models.length > 1 ? "1" : "0" };
  for (const [name, value] of Object.entries(defaults)) {
    if (name === "value") setValues();
    const element = byId(name);
    element.value = given.get(name) ?? value;
    if (element.value !== (given.get(name) ?? value)) element.value = value;
  }
  offerMargin();
}

/** Offer the order by margin where B has scores: decisions alone have no margin. */
function offerMargin() {
  const option = byId("sort").querySelector("[value=margin]");
  option.disabled = open.task.models[Number(byId("b").value)].decisions;
  if (option.disabled && option.selected) byId("sort").value = FIELDS.sort;
}

function setValues() {
  const tag = open.tags[byId("tag").value];
  const values = tag ? [...tag.values].sort((a, b) => a.localeCompare(b)) : [];
  byId("value").replaceChildren(new Option("any", ""), ...values.map((value) => new Option(value || "(empty)", value)));
  byId("value").disabled = !tag;
}

/** Show the browser for a task. */
async function openItems(task, given) {
  const mine = ++turn;
  byId("items-of").textContent = task.name;
  byId("count").textContent = "Reading…";
  await openTask(task, mine);
  if (mine !== turn) return;
  byId("missing").hidden = !open.missing;
  byId("missing").textContent = open.missing && `Captions and images are not shown. ${open.missing}`;
  setFields(task, given);
  byId("list-head").replaceChildren(make("span", { class: "what" }, "item"),
    make("span", { class: "marks" }, ...task.models.map(({ name }, m) => make("span", { title: name }, m + 1))));
  await applyFilters(given.get("i"));
}

/** Filter, and keep the chosen item where it is still there. */
async function applyFilters(id) {
  const mine = ++turn;
  const fields = readFields();
  const wanted = id ?? (chosen >= 0 && rows.length ? open.ids[rows[chosen]] : null);
  if (fields.q.trim() && !open.search) {
    byId("count").textContent = "Reading all captions…";
    await prepareSearch();
    if (mine !== turn) return;
  }
  const started = performance.now();
  rows = filtered(fields);
  const place = open.place.get(wanted);
  chosen = place === undefined ? -1 : rows.indexOf(place);
  if (chosen < 0 && rows.length) chosen = 0;
  byId("list").replaceChildren(make("div", { class: "space", role: "presentation" }));
  byId("list").firstChild.style.height = `${rows.length * ROW}px`;
  byId("list").hidden = !rows.length;
  reveal();
  performance.measure("filter", { start: started });
  const lost = id && place === undefined ? `There is no item ${id}. ` : id && rows[chosen] !== place ? `The filters leave out ${id}. ` : "";
  byId("count").textContent = `${lost}${rows.length.toLocaleString("en")} of ${counted(open.n, "item")}`;
  await showChosen();
}

/** Scroll the chosen row into view, and draw. */
function reveal() {
  const list = byId("list");
  const top = chosen * ROW;
  if (top < list.scrollTop) list.scrollTop = Math.max(0, top);
  else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  drawRows();
}

/** Draw the rows in view, and read their texts. */
function drawRows() {
  const list = byId("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(rows.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
  const drawn = [];
  const chunks = new Set();
  for (let place = first; place < last; place++) {
    drawn.push(rowOf(place));
    const chunk = Math.floor(rows[place] / open.chunk);
    if (!open.missing && !open.texts.has(chunk)) chunks.add(chunk);
  }
  while (list.childNodes.length > 1) list.lastChild.remove();
  list.append(...drawn);
  if (chosen >= first && chosen < last) list.setAttribute("aria-activedescendant", `row-${chosen}`);
  else list.removeAttribute("aria-activedescendant");
  if (chunks.size) Promise.all([...chunks].map(texts)).then((found) => found[0] && drawRows(), fail);
}

function rowOf(place) {
  const i = rows[place];
  const text = textOf(i);
  const group = Object.values(open.tags)[0];
  const line = text?.question ?? text?.captions[0] ?? triples(i, text)[0] ?? (group?.numbers[i] ? group.values[group.numbers[i] - 1] : "");
  const marks = open.models.map((_, m) => result(open, m, i));
  const says = marks.map(([, , words], m) => `${open.task.models[m].name}: ${words}`).join("; ");
  const row = make("div", {
    class: "row item", role: "option", id: `row-${place}`, "aria-selected": place === chosen, "aria-posinset": place + 1,
    "aria-setsize": rows.length,
  }, make("div", { class: "what" }, make("div", {}, line || open.ids[i]), make("div", { class: "id" }, open.ids[i])),
  make("span", { class: "quiet" }, says),
  make("div", { class: "marks", "aria-hidden": "true" }, ...marks.map(([sign, tone], m) => make("span", { class: tone, title: open.task.models[m].name }, sign))));
  row.style.transform = `translateY(${place * ROW}px)`;
  row.addEventListener("click", () => choose(place));
  return row;
}

function choose(place) {
  if (!rows.length) return;
  chosen = Math.max(0, Math.min(rows.length - 1, place));
  reveal();
  showChosen().catch(fail);
}

/** Show the chosen item, and write the address of this state. */
async function showChosen() {
  const detail = byId("detail");
  const i = rows[chosen];
  writeAddress(i);
  if (i === undefined) { detail.replaceChildren(make("p", {}, "No item is left. Clear a filter.")); return; }
  const owner = open;
  const found = await texts(Math.floor(i / open.chunk));
  if (owner !== open || rows[chosen] !== i) return;
  detail.replaceChildren(...itemView(open, i, found ? textOf(i) : null));
  detail.scrollTop = 0;
}

function writeAddress(i) {
  const fields = readFields();
  const parts = Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== FIELDS[name]));
  const where = address(open.task, "items", { ...parts, i: i === undefined ? "" : open.ids[i] });
  history.replaceState(null, "", where);
}

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("input", (event) => {
  if (!open) return; // the fields are set when the task is read
  if (event.target.id === "tag") setValues();
  if (event.target.id === "b") offerMargin();
  applyFilters().catch(fail);
});
byId("filters").addEventListener("reset", () => setTimeout(() => {
  if (!open) return;
  setFields(open.task, new URLSearchParams());
  applyFilters().catch(fail);
}));
byId("list").addEventListener("scroll", () => requestAnimationFrame(() => open && drawRows()), { passive: true });
window.addEventListener("resize", () => open && !byId("list").closest("section").hidden && drawRows());
byId("list").addEventListener("keydown", (event) => {
  const page = Math.max(1, Math.floor(byId("list").clientHeight / ROW) - 1);
  const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + page, PageUp: chosen - page, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(to);
});
