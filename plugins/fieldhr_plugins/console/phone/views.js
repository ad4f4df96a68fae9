// What the page shows of the rep's own data: the day, the score, the alerts. Text goes in as text, never as HTML.

import { clockTime, dayTime, say } from "./words.js";

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function drawn(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function table(caption, heads, rows) {
  return make(
    "table",
    {},
    make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))))),
  );
}

export function dayView(day, zone) {
  const { fixes, stays } = day;
  const unknown = day.gaps_ms.reduce((sum, [from, to]) => sum + (to - from), 0);
  const parts = [];
  if (fixes.lat?.length) parts.push(map(fixes, stays));
  if (stays.start_ms?.length) {
    const rows = stays.start_ms.map((start, n) => [
      stays.customer[n] ? (day.names[stays.customer[n]] ?? stays.customer[n]) : say("private_place"),
      clockTime(start, zone),
      clockTime(stays.end_ms[n], zone),
    ]);
    parts.push(table(say("my_day"), [say("stop"), say("from"), say("to")], rows));
  }
  if (!parts.length) parts.push(make("p", {}, say("day_empty")));
  if (unknown > 0) parts.push(make("p", { class: "small" }, say("unknown_time", { minutes: Math.round(unknown / 60000) })));
  return parts;
}

function map(fixes, stays) {
  const shrink = Math.cos((fixes.lat[0] * Math.PI) / 180);
  const xs = fixes.lon.map((lon) => lon * shrink);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...fixes.lat), Math.max(...fixes.lat)];
  const span = Math.max(right - left, high - low, 1e-4);
  const at = (lat, lon) => [10 + ((lon * shrink - left) / span) * 280, 290 - ((lat - low) / span) * 280].map((n) => n.toFixed(1));
  const line = drawn("polyline", { points: fixes.lat.map((lat, n) => at(lat, fixes.lon[n]).join(",")).join(" ") });
  const stops = (stays.lat ?? []).map((lat, n) => {
    if (lat === null) return "";
    const [x, y] = at(lat, stays.lon[n]);
    return drawn("circle", { cx: x, cy: y, r: 6 });
  });
  const height = Math.max(60, 20 + ((high - low) / span) * 280);
  const box = `0 ${(300 - height).toFixed(0)} 300 ${height.toFixed(0)}`;
  return drawn("svg", { class: "track", viewBox: box, role: "img", "aria-label": say("day_map") }, line, ...stops);
}

const points = (hundredths) => (hundredths / 100).toFixed(1);

export function scoreView(card) {
  if (card === null || card.total === null) return [make("p", {}, say("score_empty"))];
  const rows = card.lines.map((line) => [
    line.metric.replaceAll("_", " "),
    line.value === null ? "…" : round(line.value),
    points(line.contribution),
    line.why,
  ]);
  return [
    make("p", { class: "customer" }, say("score_total", { total: points(card.total), low: points(card.low), high: points(card.high) })),
    make("p", { class: "small" }, say("score_said")),
    table(say("my_score"), [say("metric"), say("value"), say("adds"), say("why")], rows),
  ];
}

const round = (value) => Number(value.toPrecision(3)).toString();

// answer(case, step, words): takes the rep's words.
export function alertsView(items, zone, answer) {
  if (!items.length) return [make("p", {}, say("alerts_empty"))];
  return items.map((item) => {
    const place = `words-${item.id}`;
    const words = make("textarea", { id: place, rows: "2", maxlength: "5000" });
    const steps = item.steps.filter((step) => step === "explain" || step === "contest");
    const buttons = steps.map((step) =>
      make(
        "button",
        { type: "button", class: "quiet", onclick: () => words.value.trim() ? answer(item, step, words.value) : words.focus() },
        say(step),
      ),
    );
    return make(
      "article",
      { class: "card" },
      make("h3", {}, item.title),
      make("p", {}, item.body),
      make("p", { class: "small" }, `${dayTime(item.opened_at, zone)} · ${say(`state.${item.state}`)}`),
      item.answer_by && steps.length ? make("p", { class: "small" }, say("answer_by", { time: dayTime(item.answer_by, zone) })) : null,
      ...(steps.length ? [make("label", { for: place }, say("your_words")), words, make("div", { class: "row" }, ...buttons)] : []),
    );
  });
}
