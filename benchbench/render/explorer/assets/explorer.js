// The report's frame: data, addresses, the board, the map of groups, manifests.
// Classic scripts, not modules: browsers refuse modules on pages that are opened from a file.
"use strict";

const store = (window.benchbench ??= {});
const loading = new Map();

/** Load data/KEY.js once; the script stores its content under KEY. */
function load(key) {
  if (key in store) return Promise.resolve(store[key]);
  if (!loading.has(key)) {
    loading.set(key, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `data/${key}.js`;
      script.onload = () => (key in store ? resolve(store[key]) : script.onerror());
      script.onerror = () => reject(new Error(`data/${key}.js cannot be read. Copy the whole folder.`));
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    }));
  }
  return loading.get(key);
}

/** Forget the data of all other tasks: one task is in memory at a time. */
function forget(task) {
  for (const key of Object.keys(store)) if (!key.startsWith(`${task}/`)) delete store[key];
  for (const key of [...loading.keys()]) if (!key.startsWith(`${task}/`)) loading.delete(key);
}

const ARRAYS = { f4: Float32Array, i4: Int32Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };

/** Decode a column: little-endian numbers in base64. */
function decode(column) {
  const text = atob(column.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new ARRAYS[column.type](bytes.buffer);
}

/** Make an element. Texts are set as text, never as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);
const percent = (share) => (100 * share).toFixed(1);
const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
let turn = 0; // of asynchronous work; older work gives way
const tasks = [...byId("task").options].map((option, number) => ({
  number,
  name: option.value,
  models: [...document.querySelectorAll(`.facts[data-task="${number}"] span`)].map((span) => ({
    name: span.textContent, textOnly: span.dataset.textOnly === "1", decisions: span.dataset.decisions === "1",
  })),
}));

/** What the address says; every part has a default. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const task = tasks.find((each) => each.name === given.get("t")) ?? tasks[0];
  const views = ["board", "groups", "items", "models"];
  const view = views.includes(given.get("v")) ? given.get("v") : "board";
  return { task, view, given };
}

/** Return the address of a view with some parts. */
function address(task, view, parts = {}) {
  const found = new URLSearchParams();
  if (tasks.length > 1) found.set("t", task.name);
  found.set("v", view);
  for (const [key, value] of Object.entries(parts)) if (value !== "") found.set(key, value);
  return `#${found}`;
}

function fail(error) {
  byId("failure").hidden = false;
  byId("failure").textContent = error.message;
}

/** Show what the address says. */
async function route() {
  const { task, view, given } = readAddress();
  turn += 1;
  byId("failure").hidden = true;
  byId("task").value = task.name;
  for (const link of byId("views").children) {
    link.href = address(task, link.dataset.view);
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const section of document.querySelectorAll("main > section")) {
    const own = section.dataset.task ?? String(task.number);
    section.hidden = section.dataset.view !== view || own !== String(task.number);
  }
  byId("main").classList.add("routed");
  document.title = `${task.name}: ${view} · benchbench report`;
  forget(task.number);
  try {
    if (view === "groups") await showGroups(task, given);
    if (view === "items") await openItems(task, given);
  } catch (error) {
    fail(error);
  }
}

/** Sort a table by a column: numbers as numbers, empty values last. */
function sortBy(table, head) {
  const column = [...head.parentElement.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  const rows = [...table.tBodies[0].rows];
  const value = (row) => row.cells[column].dataset.sort;
  const numeric = rows.every((row) => value(row) === "" || Number.isFinite(Number(value(row))));
  rows.sort((one, two) => {
    const [a, b] = [value(one), value(two)];
    if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
    return (down ? -1 : 1) * (numeric ? a - b : a.localeCompare(b));
  });
  for (const each of head.parentElement.children) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const span of table.querySelectorAll("thead th span")) {
    const button = make("button", { type: "button" }, span.textContent);
    button.addEventListener("click", () => sortBy(table, button.parentElement));
    span.replaceWith(button);
  }
}

/** Draw the map of groups: every model's difference from the chosen one. */
async function showGroups(task, given) {
  const section = document.querySelector(`section[data-view=groups][data-task="${task.number}"]`);
  const [map, select] = [section.querySelector(".map"), section.querySelector(".reference")];
  if (!map) return;
  const chosen = Number(given.get("a") ?? 0);
  const reference = task.models[chosen] ? chosen : 0;
  if (select) select.value = String(reference);
  const [groups, items] = await Promise.all([load(`${task.number}/groups`), load(`${task.number}/items`)]);
  const cells = { groups, items, scores: decode(groups.scores), p: decode(groups.p) };
  map.replaceChildren(mapTable(task, cells, reference, Number(section.dataset.alpha)));
  section.querySelector(".remark").textContent = mapRemark(task, groups, items.ranks, section.dataset.alpha);
}

/** Return how the map of groups is read. */
function mapRemark(task, groups, ranks, alpha) {
  const said = [`Groups of ${groups.by}.`];
  const differences = groups.names.length * (task.models.length - 1);
  if (differences) said.push(`Differences in ${ranks ? "ranks" : "points"} from the chosen model.`);
  if (ranks) said.push("A lower rank is better.");
  if (differences) {
    const family = differences > 1 ? `, adjusted for all ${differences} differences of this map` : "";
    said.push(
      `Blue is better, orange worse, a shade per ${ranks ? "2.5 ranks" : "5 points"}.`,
      `Bold with *: p < ${alpha}${family} (sign flips of whole source images${family && ", step-down maximum of |T|"}).`,
    );
  }
  if (groups.left_out) said.push(groups.left_out > 1 ? `The ${groups.left_out} smallest groups are left out.` : "The smallest group is left out.");
  return said.join(" ");
}

function mapTable(task, { groups, items, scores, p }, reference, alpha) {
  const head = make("tr", {}, make("th", { scope: "col", class: "text" }, groups.by), make("th", { scope: "col" }, groups.unit));
  task.models.forEach((model, m) => {
    head.append(make("th", { scope: "col" }, model.name, m === reference ? " (score)" : ""));
  });
  const body = make("tbody");
  const n = task.models.length;
  groups.names.forEach((name, g) => {
    const label = name === "" ? "all" : name;
    const linked = groups.by in items.tags && items.tags[groups.by].values.includes(name);
    const parts = { tag: groups.by, value: name };
    const link = linked ? make("a", { href: address(task, "items", parts) }, label) : label;
    const row = make("tr", {}, make("th", { scope: "row", class: "text" }, make("bdi", {}, link)), make("td", { class: "none" }, groups.n_items[g]));
    task.models.forEach((_, m) => row.append(mapCell(g, m)));
    body.append(row);
  });
  function mapCell(g, m) {
    const scale = items.ranks ? 1 : 100;
    const own = scores[g * n + reference];
    if (m === reference) return make("td", {}, (scale * own).toFixed(1));
    const apart = scale * (scores[g * n + m] - own);
    const value = p[(reference * groups.names.length + g) * n + m];
    const better = items.ranks ? -apart : apart;
    const size = Math.min(4, Math.ceil(Math.abs(better) / (items.ranks ? 2.5 : 5)));
    const tone = size ? `${better > 0 ? "u" : "d"}${size}` : "";
    const sure = value < alpha;
    const text = `${apart > 0 ? "+" : apart < 0 ? "−" : ""}${Math.abs(apart).toFixed(1)}${sure ? "*" : ""}`;
    const says = `adjusted p = ${value < 0.0001 ? "<0.0001" : value.toPrecision(2)}; ${counted(groups.n_clusters[g], "source image")}`;
    return make("td", { class: `${tone} ${sure ? "strong" : "faint"}`, title: says }, text);
  }
  return make("table", {}, make("thead", {}, head), body);
}

for (const select of document.querySelectorAll(".reference")) {
  select.addEventListener("change", () => {
    location.hash = address(readAddress().task, "groups", { a: select.value });
  });
}

/** Compare manifests: all models, or two of them. */
function showManifests(section) {
  const picked = [".one", ".two"].map((name) => section.querySelector(name).value).filter((value) => value !== "");
  const columns = picked.length ? new Set(picked.map(Number)) : null;
  const shown = (column) => !columns || columns.has(column - 1);
  const table = section.querySelector("table");
  let differing = 0;
  for (const row of table.rows) {
    const texts = new Set();
    for (let column = 1; column < row.cells.length; column++) {
      const { classList, textContent } = row.cells[column];
      classList.toggle("hide-column", !shown(column));
      if (shown(column)) texts.add(textContent);
      classList.toggle("differs", shown(column) && row.parentElement.tagName === "TBODY" && textContent !== [...texts][0]);
    }
    if (row.parentElement.tagName === "THEAD") continue;
    differing += texts.size > 1;
    row.hidden = texts.size < 2 && section.querySelector(".differing").checked;
  }
  const total = table.tBodies[0].rows.length;
  section.querySelector(".count").textContent = `${differing} of ${total} facts ${differing === 1 ? "differs" : "differ"}`;
}

for (const section of document.querySelectorAll("section[data-view=models]")) {
  const form = section.querySelector("form");
  if (!form) continue;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => showManifests(section));
  showManifests(section);
}

byId("task").addEventListener("change", (event) => {
  const { view } = readAddress();
  location.hash = address(tasks[event.target.selectedIndex], view);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the task and the view
  byId("main").scrollIntoView();
  byId("main").focus();
});
window.addEventListener("hashchange", route);
document.addEventListener("DOMContentLoaded", route);
