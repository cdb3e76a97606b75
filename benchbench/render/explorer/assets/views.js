// One item in full: images with boxes, captions with what differs, each model's results.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const TOP_K = 10;

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Return the words of a text that are not in the longest common run of words with another. */
function differingWords(text, other) {
  const [one, two] = [text, other].map((each) => each.split(/\s+/).filter(Boolean));
  if (one.length > 200 || two.length > 200) return one.map((word) => [word, false]);
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(two.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = two.length - 1; j >= 0; j--) {
      const same = one[i] === two[j];
      lengths[i][j] = same ? 1 + lengths[i + 1][j + 1] : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; i < one.length; ) {
    if (j < two.length && one[i] === two[j]) { found.push([one[i++], false]); j++; }
    else if (j < two.length && lengths[i][j + 1] >= lengths[i + 1][j]) j++;
    else found.push([one[i++], true]);
  }
  return found;
}

/** Return a caption with the words marked that differ from another. */
function marked(text, other) {
  const line = make("bdi");
  if (other === undefined || other === text) { line.append(text); return line; }
  differingWords(text, other).forEach(([word, differs], place) => {
    if (place) line.append(" ");
    line.append(differs ? make("mark", {}, word) : word);
  });
  return line;
}

/** Return an image with its boxes: [label, left, top, right, bottom]. */
function shot(href, name, boxes) {
  if (!href) return make("p", { class: "note" }, `Image file: ${name}`);
  const image = make("img", { src: href, alt: `Image ${name}`, loading: "lazy", decoding: "async" });
  const frame = make("div", { class: "shot" }, image);
  image.addEventListener("load", () => {
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const over = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    boxes.forEach(([label, left, top, right, bottom], number) => {
      const place = { x: left, y: top, width: right - left, height: bottom - top };
      over.append(draw("rect", { ...place, class: "under" }), draw("rect", { ...place, "data-box": number }));
      const size = Math.max(width, height) / 28;
      if (label) over.append(draw("text", { x: left + size / 4, y: Math.max(size, top + size), "font-size": size }, label));
    });
    frame.append(over);
  });
  image.addEventListener("error", () => frame.replaceWith(make("p", { class: "note" }, `Image file not found: ${name}`)));
  return frame;
}

/** Return the crop that the model gets, from the same image. */
function cropped(href, name, [left, top, right, bottom]) {
  const image = draw("image", { href, x: 0, y: 0 });
  const view = draw("svg", { class: "crop", viewBox: `${left} ${top} ${right - left} ${bottom - top}`, role: "img", "aria-label": `Crop of ${name}` }, image);
  return view;
}

function figures(text) {
  const found = make("div", { class: "shots" });
  text.images.forEach(([href, box, name], number) => {
    const boxes = text.boxes ?? (box ? [["", ...box]] : []);
    const what = text.images.length > 1 ? `Image ${number + 1}: ` : "";
    found.append(make("figure", {}, shot(href, name, boxes), make("figcaption", {}, href ? `${what}${name}` : "")));
    if (href && box) found.append(make("figure", {}, cropped(href, name, box), make("figcaption", {}, `The crop: ${box.join(", ")} pixels`)));
  });
  return found;
}

const WORDS = ["Model", "Result", "Decision", "True triple"];

/** Return a table in a frame that scrolls; heads are texts. */
function table(label, heads, rows) {
  const head = make("tr");
  heads.forEach((each) => head.append(make("th", { scope: "col", class: WORDS.includes(each) ? "text" : null }, each)));
  const body = make("tbody", {}, ...rows.map(([first, ...cells]) =>
    make("tr", {}, make("th", { scope: "row", class: "text" }, make("bdi", {}, first)), ...cells)));
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, make("table", {}, make("thead", {}, head), body));
}

/** Return a score with as many digits as tell scores of one model apart. */
const scoreText = (score) => (Math.abs(score) < 10 ? score.toFixed(4) : score.toPrecision(6));

/** Return a model's result on an item in words, with its class. */
function result(open, m, i) {
  const model = open.models[m];
  const value = model.value[i];
  if (Number.isNaN(value)) return ["–", "none", "left out by the metric"];
  const tied = model.tied[i] === 1;
  if (open.ranks) return [value.toFixed(value % 1 ? 1 : 0), value === 1 ? "good" : "bad", `rank ${value}`];
  if (open.pooled) return [value.toFixed(2), "part", "its part in the area under the curve"];
  if (tied) return ["=", "tie", "decided by the tie rule"];
  if (value === 1) return ["✓", "good", "right"];
  if (value === 0) return ["✗", "bad", "wrong"];
  return ["½", "part", `${percent(value)} % right`];
}

const resultCell = (open, m, i) => {
  const [sign, tone, words] = result(open, m, i);
  return make("td", { class: `text ${tone}` }, `${sign} ${words}`);
};

/** Return which of some scores is the best, counted from 1, or which tie. */
function choice(what, scores) {
  const best = Math.max(...scores);
  const firsts = [...scores].flatMap((score, c) => (score === best ? [c + 1] : []));
  return firsts.length > 1 ? `tie of ${firsts.join(", ")}` : `${what} ${firsts[0]}`;
}

/** Matching: captions, the score of each with each image, the decision, the margin. A single caption chooses an image. */
function matchingView(open, i, text) {
  const shared = open.columns;
  const target = shared.target.subarray(shared["target.start"][i], shared["target.start"][i + 1]);
  const [start, end] = [shared["scores.start"][i], shared["scores.start"][i + 1]];
  const n = (end - start) / target.length;
  const parts = [];
  if (text) {
    const list = make("ol", { class: "captions" });
    text.captions.forEach((caption, c) => {
      const reference = c === target[0] ? (n === 2 ? text.captions[1 - c] : undefined) : text.captions[target[0]];
      const images = [...target].flatMap((column, k) => (column === c ? [k + 1] : []));
      const truth = !images.length ? "false" : target.length > 1 ? `true of image ${images.join(", ")}` : "true";
      list.append(make("li", {}, marked(caption, reference), " ", make("span", { class: images.length ? "good" : "bad" }, `(${truth})`)));
    });
    parts.push(make("h3", {}, "Captions"), list);
  }
  const heads = ["Model", "Result", "Decision"];
  for (let k = 0; k < target.length; k++) for (let c = 0; c < n; c++) heads.push(target.length > 1 ? `image ${k + 1}, caption ${c + 1}` : `caption ${c + 1}`);
  const rows = open.models.map((model, m) => {
    const cells = [], decisions = [], text = open.task.models[m].decisions ? () => "–" : scoreText;
    const all = model.scores.subarray(start, end);
    if (n === 1) decisions.push(choice("image", all));
    for (let k = 0; k < target.length; k++) {
      const row = all.subarray(k * n, (k + 1) * n);
      const best = Math.max(...(n > 1 ? row : all));
      if (n > 1 && target[k] >= 0) decisions.push(choice("caption", row));
      row.forEach((score, c) => {
        const no = model.no_op[shared["no_op.start"][i] + c] ? " ≡" : "";
        cells.push(make("td", { class: score === best ? "best" : null, title: no ? "the same tokens as another, true caption" : null }, text(score) + no));
      });
    }
    return [open.task.models[m].name, resultCell(open, m, i), make("td", { class: "text" }, decisions.join("; ")), ...cells, make("td", {}, text(model.margin[i]))];
  });
  parts.push(make("h3", {}, "Models"), table("Scores of each model", [...heads, "margin"], rows));
  return parts;
}

const placeText = (better, equal) => (better < 0 ? "–" : `${better + 1}${equal ? ` (${equal} tied)` : ""}`);

/** Retrieval: where the true captions and images stand; the first K places as a strip. */
function retrievalView(open, i, text) {
  const shared = open.columns;
  const [start, end] = [shared["found.start"][i], shared["found.start"][i + 1]];
  const [from, to] = [shared["finding.start"][i], shared["finding.start"][i + 1]];
  const parts = [];
  const captions = text ? [...new Set([...text.captions, ...(text.also ?? [])])] : [];
  if (text) {
    const list = make("ol", { class: "captions" });
    captions.forEach((caption, c) => list.append(make("li", {}, make("bdi", {}, caption), c < shared.own[i] ? "" : " (accepted by a lenient reading)")));
    parts.push(make("h3", {}, "True captions"), list);
  }
  const strip = (places) => {
    const hits = new Set(places.map((place) => place + 1));
    const shown = [...hits].filter((place) => place <= TOP_K).sort((a, b) => a - b);
    const cells = Array.from({ length: TOP_K }, (_, k) => make("span", hits.has(k + 1) ? { class: "hit" } : {}));
    const says = shown.length ? `true answers at places ${shown.join(", ")} of the first ${TOP_K}` : `no true answer among the first ${TOP_K}`;
    return make("td", {}, make("span", { class: "strip", role: "img", "aria-label": says, title: says }, ...cells));
  };
  const section = (title, label, low, high, better, equal, count) => {
    const heads = ["Model", "Result", `the first ${TOP_K} places`];
    for (let c = low; c < high; c++) heads.push(`caption ${c - low + 1}`);
    const rows = open.models.map((model, m) => {
      const places = [...model[better].subarray(low, high)];
      const cells = places.map((place, c) => make("td", {}, placeText(place, model[equal][low + c])));
      return [open.task.models[m].name, resultCell(open, m, i), strip(places), ...cells];
    });
    parts.push(make("h3", {}, `${title}: places among ${count.toLocaleString("en")}`), table(label, heads, rows));
  };
  section("This image searches captions", "Places of the true captions", start, end, "found_better", "found_equal", shared.n_captions[i]);
  if (to > from) section("Each caption searches images", "Places of the image", from, to, "finding_better", "finding_equal", shared.n_images[i]);
  parts.push(make("p", { class: "note" }, "Runs hold the places of true answers; what stands at the other places is not stored."));
  return parts;
}

/** Relations: true triples, and the place at which each model ranks them. */
function relationsView(open, i, text, figure) {
  const shared = open.columns;
  const [start, end] = [shared["predicates.start"][i], shared["predicates.start"][i + 1]];
  const label = (box) => (text?.boxes?.[box] ? `${text.boxes[box][0]} ${box + 1}` : `box ${box + 1}`);
  const rows = [];
  for (let r = start; r < end; r++) {
    const [s, o] = [shared.subjects[r], shared.objects[r]];
    const words = `${label(s)} · ${open.predicates[r]} · ${label(o)}${shared.unseen[r] ? " (unseen)" : ""}`;
    const button = make("button", { type: "button" }, words);
    const light = (on) => figure?.querySelectorAll("[data-box]").forEach((rect) => {
      rect.classList.toggle("lit", on && [String(s), String(o)].includes(rect.dataset.box));
    });
    for (const name of ["mouseenter", "focus", "click"]) button.addEventListener(name, () => light(true));
    for (const name of ["mouseleave", "blur"]) button.addEventListener(name, () => light(false));
    rows.push([button, ...open.models.flatMap((model) => [
      make("td", {}, placeText(model.triple_better[r], model.triple_equal[r])),
      make("td", { class: model.own_better[r] === 0 ? "good" : null }, placeText(model.own_better[r], model.own_equal[r])),
    ])]);
  }
  const heads = ["True triple", ...open.task.models.flatMap(({ name }) => [`${name}: triple`, "predicate"])];
  const results = open.models.map((_, m) => [open.task.models[m].name, resultCell(open, m, i)]);
  return [
    make("h3", {}, "True triples, and their places"), table("Places of the true triples", heads, rows),
    make("p", { class: "note" }, `triple: the place among the best triple of each of ${shared.n_pairs[i].toLocaleString("en")} ordered pairs; – where no candidate matches. predicate: the place among ${shared.n_predicates[i]} predicates of the true pair. Runs hold the places of true triples; the wrong triples between them are not stored.`),
    make("h3", {}, "Models"), table("Results of each model", ["Model", "Result"], results),
  ];
}

/** Captions one by one, or answers to a question: the truth and the score of each. */
function scoresView(open, i, text) {
  const shared = open.columns;
  const [start, end] = [shared["scores.start"][i], shared["scores.start"][i + 1]];
  const parts = [];
  const what = open.protocol === "answering" ? "answer" : "caption";
  if (text) {
    const list = make("ol", { class: "captions" });
    text.captions.forEach((caption, c) => {
      const truth = shared.truth[start + c] === 1;
      list.append(make("li", {}, make("bdi", {}, caption), " ", make("span", { class: truth ? "good" : "bad" }, `(${truth ? "true" : "false"})`)));
    });
    if (text.question) parts.push(make("p", {}, make("bdi", {}, text.question)));
    parts.push(make("h3", {}, what === "answer" ? "Answers" : "Captions"), list);
  }
  const heads = ["Model", "Result"];
  for (let c = start; c < end; c++) heads.push(`${what} ${c - start + 1}${shared.truth[c] ? " (true)" : ""}`);
  const rows = open.models.map((model, m) => {
    const scores = [...model.scores.subarray(start, end)];
    const show = open.task.models[m].decisions ? () => "–" : scoreText;
    return [open.task.models[m].name, resultCell(open, m, i), ...scores.map((score) => make("td", {}, show(score)))];
  });
  parts.push(make("h3", {}, "Models"), table("Scores of each model", heads, rows));
  return parts;
}

const VIEWS = {
  matching: matchingView, retrieval: retrievalView, relations: relationsView,
  verification: scoresView, paraphrases: scoresView, answering: scoresView,
};

/** Show an item; text is null where the task's files were not at hand. */
function itemView(open, i, text) {
  const figure = text ? figures(text) : null;
  const tags = Object.entries(open.tags).flatMap(([name, { values, numbers }]) =>
    numbers[i] ? [make("li", {}, `${name}: ${values[numbers[i] - 1]}`)] : []);
  tags.push(make("li", {}, `source image: ${open.clusters[open.cluster[i] - 1]}`));
  const link = make("a", { href: address(open.task, "items", { i: open.ids[i] }) }, "permalink");
  return [
    make("h2", {}, make("bdi", {}, open.ids[i]), " ", make("small", {}, link)),
    make("ul", { class: "tags" }, ...tags),
    ...(figure ? [figure] : []),
    ...VIEWS[open.protocol](open, i, text, figure),
  ];
}
