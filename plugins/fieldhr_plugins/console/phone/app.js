// One tap: where am I, whose customer is here, kept on the phone, shown at once, sent when there is a signal.

import { ask, drop, flush, keep, known, session, waiting, whose } from "./outbox.js";
import { choose, chosen, clockTime, say } from "./words.js";
import { alertsView, dayView, make, scoreView } from "./views.js";

const $ = (id) => document.getElementById(id);
const MINUTE = 60_000;
const state = { session: null, standing: null, customers: [], last: null, outcome: null, recorder: null, busy: false };
const zone = () => state.standing?.zone;
const person = () => state.session?.person;

// -- words ---------------------------------------------------------------------------------------------------------

function speak(tag) {
  document.documentElement.lang = choose(tag);
  localStorage.setItem("fieldhr-language", chosen());
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  document.title = say("app_title");
  $("language").textContent = say("other_language");
  $("language").lang = chosen() === "en" ? "zh-Hans" : "en";
  $("voice").textContent = say(state.recorder ? "voice_stop" : "voice_start");
  $("outcomes").replaceChildren(
    ...["met", "signed", "again", "absent"].map((outcome) =>
      make("button", { type: "button", class: "quiet", "aria-pressed": String(state.outcome === outcome), onclick: () => pick(outcome) }, say(outcome)),
    ),
  );
  showStanding();
  showNet();
  showWaiting();
}

// -- what always stands there ----------------------------------------------------------------------------------------

function showNet() {
  $("net").textContent = say(navigator.onLine ? "online" : "offline");
}

async function showWaiting() {
  const items = await waiting();
  $("waiting").textContent = items.length ? say("waiting", { n: items.length }) : say("nothing_waiting");
  if ($("queue").open) showQueue(items);
}

function showStanding() {
  const now = state.standing;
  $("simulated").hidden = !now?.simulated;
  $("private").hidden = $("consent").hidden = !now;
  if (!now) {
    $("standing-said").textContent = say("standing_unknown");
    return;
  }
  const values = { basis: now.basis ?? say("none"), notice: now.notice ?? "", time: now.private_until && clockTime(now.private_until, zone()) };
  const key = now.is_tracked ? "tracked" : now.private_until ? "private_until" : now.reason;
  const cached = Date.now() - (now.read_at ?? 0) > 2 * MINUTE ? ` ${say("standing_cached", { time: clockTime(now.at, zone()) })}` : "";
  $("standing-said").textContent = say(key, values) + cached;
  $("private").textContent = say(now.private_until ? "private_off" : "private_on");
  $("consent").textContent = say(now.basis ? "consent_off" : "consent_on");
}

function showClock(skew) {
  const minutes = Math.round(Math.abs(skew) / MINUTE);
  $("clock").hidden = minutes < 2;
  $("clock").textContent = say("clock_wrong", { minutes, way: say(skew > 0 ? "fast" : "slow") });
}

function showLogin(needed) {
  $("login").hidden = !needed;
  const to = document.querySelector('meta[name="fieldhr-login"]').content;
  if (to) $("login-link").href = `${to}?next=${encodeURIComponent(location.pathname)}`;
}

// -- from the server, kept for when it is far ---------------------------------------------------------------------------

async function read(path) {
  const { answer } = await ask(path);
  if (!answer.ok) throw new Error(`${path} ${answer.status}`);
  return answer.json();
}

async function refresh() {
  let found;
  try {
    found = await session();
  } catch {
    return;
  }
  showLogin(found === null);
  if (found === null) return;
  const before = await known.read("session");
  if (before && whose(before) !== whose(found)) await known.forget(); // another person's phone now
  state.session = found;
  await known.write("session", found);
  showClock(found.skew_ms);
  if (!person()) return;
  await Promise.allSettled([
    read(`people/${encodeURIComponent(person())}/standing`).then(setStanding),
    read("customers?limit=1000").then(async (page) => {
      state.customers = page.items;
      await known.write("customers", page.items);
    }),
    loadAlerts(),
  ]);
}

async function setStanding(standing) {
  state.standing = { ...standing, read_at: Date.now() };
  await known.write("standing", state.standing);
  showStanding();
}

async function remember() {
  state.session = (await known.read("session")) ?? null;
  state.standing = (await known.read("standing")) ?? null;
  state.customers = (await known.read("customers")) ?? [];
  state.last = (await known.read("last")) ?? null;
  if (state.last) $("after").hidden = false;
}

// -- one tap -----------------------------------------------------------------------------------------------------------

function here() {
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) reject({ code: 0 });
    // Never an old position: the phone has moved since.
    else navigator.geolocation.getCurrentPosition(resolve, reject, { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 });
  });
}

function metresTo(position, place) {
  const rad = Math.PI / 180;
  const dLat = (place.lat - position.lat) * rad;
  const dLon = (place.lon - position.lon) * rad * Math.cos(((place.lat + position.lat) / 2) * rad);
  return 6_371_000 * Math.hypot(dLat, dLon);
}

function near(position) {
  return state.customers
    .flatMap((customer) => customer.where.map((place) => ({ customer, metres: metresTo(position, place), radius: place.radius_m })))
    .sort((a, b) => a.metres - b.metres)
    .filter((one, n, all) => all.findIndex((other) => other.customer.id === one.customer.id) === n);
}

async function tap() {
  if (state.busy) return;
  state.busy = true;
  $("check-in").classList.add("busy");
  $("choose").hidden = true;
  tell(say("locating"));
  try {
    if (!state.session) await refresh();
    if (!person()) {
      showLogin(true);
      tell(say("login"), "bad");
      return;
    }
    const found = await here();
    const position = { lat: found.coords.latitude, lon: found.coords.longitude, accuracy_m: found.coords.accuracy, time: found.timestamp };
    if (!state.customers.length) {
      tell(say("no_customers"), "bad");
      return;
    }
    const candidates = near(position);
    const [nearest] = candidates;
    if (nearest && nearest.metres <= nearest.radius + Math.min(position.accuracy_m, 200)) await checkIn(nearest.customer, position);
    else offer(candidates, position);
  } catch (failure) {
    tell(say({ 0: "location_none", 1: "location_denied", 2: "location_off", 3: "location_slow" }[failure?.code] ?? "failed"), "bad");
  } finally {
    state.busy = false;
    $("check-in").classList.remove("busy");
  }
}

function offer(candidates, position) {
  tell("");
  const shown = candidates.length ? candidates : state.customers.map((customer) => ({ customer, metres: null }));
  $("choices").replaceChildren(
    ...shown.slice(0, 12).map(({ customer, metres }) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            class: "quiet",
            onclick: () => {
              $("choose").hidden = true;
              checkIn(customer, position);
            },
          },
          customer.name + (metres === null ? "" : ` (${say("metres", { n: Math.round(metres) })})`),
        ),
      ),
    ),
  );
  $("choose").hidden = false;
}

async function checkIn(customer, position) {
  const id = crypto.randomUUID();
  const body = {
    id,
    customer: customer.id,
    time: new Date(position.time).toISOString(),
    lat: position.lat,
    lon: position.lon,
    datum: "wgs84",
    accuracy_m: Math.min(position.accuracy_m, 1_000_000),
    device: await device(),
    offline: !navigator.onLine,
  };
  await keep({ who: whose(state.session), kind: "check-in", id, method: "POST", path: "check-ins", body });
  state.last = { id, customer: { id: customer.id, name: customer.name, need: customer.need }, time: position.time };
  state.outcome = null;
  await known.write("last", state.last);
  $("after").hidden = false;
  $("after-said").textContent = "";
  speak(chosen());
  // At once, from what the phone knows; the server's word follows.
  showAnswer(customer, say("kept", { time: clockTime(Date.now(), zone()) }));
  await sync();
}

async function device() {
  let name = await known.read("device");
  if (!name) {
    name = `web-${crypto.randomUUID()}`;
    await known.write("device", name);
  }
  return name;
}

function tell(text, look = "") {
  $("answer").replaceChildren(...(text ? [make("p", { class: look }, text)] : []));
}

function showAnswer(customer, ...lines) {
  $("answer").replaceChildren(
    make(
      "div",
      { class: "card" },
      make("strong", { class: "customer" }, customer.name),
      customer.need ? make("span", { class: "need" }, customer.need) : null,
      ...lines.map((line) => (typeof line === "string" ? make("p", { class: "small" }, line) : line)),
    ),
  );
}

function heard(answer) {
  if (answer.checkin !== state.last?.id) return;
  const values = { metres: answer.distance_m === null ? "?" : Math.round(answer.distance_m) };
  const look = { at: "good", away: "bad" }[answer.verdict] ?? "";
  const customer = { name: answer.customer_name || state.last.customer.name, need: answer.need || state.last.customer.need };
  showAnswer(
    customer,
    make("p", { class: look }, say(`verdict.${answer.verdict}`, values)),
    say("sent", { time: clockTime(answer.recorded, zone()) }),
  );
  if (answer.alerts.length) loadAlerts();
}

// -- afterwards --------------------------------------------------------------------------------------------------------

function pick(outcome) {
  state.outcome = outcome;
  $("save").disabled = false;
  for (const [n, name] of ["met", "signed", "again", "absent"].entries())
    $("outcomes").children[n].setAttribute("aria-pressed", String(name === outcome));
}

async function save() {
  if (!state.last || !state.outcome) return;
  const id = `${state.last.id}-f`;
  const written = new Date(Math.max(Date.now(), state.last.time)).toISOString();
  const record = {
    id,
    customer: state.last.customer.id,
    kind: "visit",
    start: new Date(state.last.time).toISOString(),
    end: written,
    written,
    text: [say(state.outcome), $("note").value.trim()].filter(Boolean).join(": "),
  };
  await keep({ who: whose(state.session), kind: "follow-up", id, method: "POST", path: "follow-ups", body: { follow_ups: [record] } });
  $("after-said").textContent = say("saved");
  $("note").value = "";
  $("save").disabled = true;
  await sync();
}

async function attach(kind, blob, media) {
  if (!state.last) return;
  const id = crypto.randomUUID();
  const query = new URLSearchParams({ record: state.last.id, time: new Date().toISOString() });
  await keep({ who: whose(state.session), kind, id, method: "PUT", path: `attachments/${id}?${query}`, blob, media });
  $("after-said").textContent = say(kind === "photo" ? "photo_kept" : "voice_kept");
  await sync();
}

async function photo() {
  const [file] = $("photo").files;
  $("photo").value = "";
  if (!file) return;
  // Smaller, and without what the camera wrote into it: place, device, time.
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
  const canvas = make("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
  await attach("photo", blob, "image/jpeg");
}

async function voice() {
  if (state.recorder) {
    state.recorder.stop();
    return;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch {
    $("after-said").textContent = say("voice_denied");
    return;
  }
  const pieces = [];
  const recorder = new MediaRecorder(stream);
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  recorder.addEventListener("stop", async () => {
    for (const track of stream.getTracks()) track.stop();
    state.recorder = null;
    showVoice();
    const media = recorder.mimeType.split(";")[0];
    await attach("voice", new Blob(pieces, { type: media }), media);
  });
  recorder.start();
  state.recorder = recorder;
  showVoice();
}

function showVoice() {
  $("voice").setAttribute("aria-pressed", String(Boolean(state.recorder)));
  $("voice").textContent = say(state.recorder ? "voice_stop" : "voice_start");
}

// -- sending -----------------------------------------------------------------------------------------------------------

async function sync() {
  await showWaiting();
  try {
    const ready = await navigator.serviceWorker?.getRegistration();
    await ready?.sync?.register("fieldhr-outbox");
  } catch {
    // Not every browser has it: the page itself sends when it is opened, at each tap and when the signal is back.
  }
  await settle(await flush());
}

async function settle({ sent, login }) {
  for (const { item, answer } of sent) if (item.kind === "check-in") heard(answer);
  if (login) showLogin(true);
  const refused = (await waiting()).filter((item) => item.refused && item.id === state.last?.id);
  if (refused.length) showAnswer(state.last.customer, make("p", { class: "bad" }, say("refused", { code: refused[0].refused })));
  await showWaiting();
}

// -- consent and private mode ------------------------------------------------------------------------------------------

async function change(path, body) {
  try {
    const mine = await session();
    const { answer } = await ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": mine.form_token },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    await setStanding(await read(`people/${encodeURIComponent(person())}/standing`));
  } catch {
    $("standing-said").textContent = say("need_signal");
  }
}

async function privateMode() {
  const who = encodeURIComponent(person());
  const now = Date.parse((await session().catch(() => null))?.server_time ?? new Date().toISOString());
  const before = await known.read("private");
  if (state.standing?.private_until) {
    const started = before ?? { id: "private", start: new Date(now - MINUTE).toISOString() };
    const end = new Date(Math.max(now, Date.parse(started.start) + 1)).toISOString();
    await change(`people/${who}/absences`, { ...started, kind: "private", end });
    return;
  }
  const begun = { id: crypto.randomUUID(), start: new Date(now).toISOString() };
  await known.write("private", begun);
  await change(`people/${who}/absences`, { ...begun, kind: "private", end: new Date(now + 60 * MINUTE).toISOString() });
}

async function consent() {
  const who = encodeURIComponent(person());
  if (state.standing?.basis) await change(`people/${who}/consent/withdraw`, {});
  else await change(`people/${who}/consent`, { basis: "consent", notice: "phone-page-1" });
}

// -- own data ----------------------------------------------------------------------------------------------------------

const today = () => new Intl.DateTimeFormat("en-CA", { timeZone: zone(), dateStyle: "short" }).format(new Date(state.session?.server_time ?? Date.now()));

async function into(id, load) {
  const place = $(id);
  try {
    place.replaceChildren(...(await load()));
  } catch {
    place.replaceChildren(make("p", {}, say("need_signal")));
  }
}

const loadDay = () => into("day-body", async () => dayView(await read(`days/${encodeURIComponent(person())}/${today()}`), zone()));

const loadScore = () =>
  into("score-body", async () => {
    const query = `first=${today().slice(0, 8)}01&last=${today()}&language=${chosen()}`;
    const { answer } = await ask(`people/${encodeURIComponent(person())}/scorecard?${query}`);
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
    return scoreView(answer.ok ? await answer.json() : null);
  });

async function loadAlerts() {
  const items = await read(`inbox?language=${chosen()}`);
  $("alerts-count").textContent = items.length ? `(${items.length})` : "";
  $("alerts-body").replaceChildren(...alertsView(items, zone(), answerAlert));
}

async function answerAlert(item, step, words) {
  const path = `alerts/${encodeURIComponent(item.id)}/steps`;
  await keep({ who: whose(state.session), kind: "step", id: `${item.id}-${step}`, method: "POST", path, body: { step, note: words } });
  $("alerts-body").prepend(make("p", { class: "good", role: "status" }, say("answered")));
  await sync();
  if (navigator.onLine) await loadAlerts().catch(() => {});
}

async function showQueue(items) {
  const rows = items.map((item) =>
    make("li", {}, `${say(`kind.${item.kind}`)}, ${clockTime(item.made, zone())}${item.refused ? ` – ${item.refused}` : ""}`),
  );
  const copy = () => {
    const plain = items.map(({ blob, ...rest }) => ({ ...rest, bytes: blob?.size }));
    save_as(new Blob([JSON.stringify(plain, null, 1)], { type: "application/json" }), "fieldhr-waiting.json");
  };
  $("queue-body").replaceChildren(
    rows.length ? make("ul", {}, ...rows) : make("p", {}, say("queue_empty")),
    ...(rows.length
      ? [
          make(
            "div",
            { class: "row" },
            make("button", { type: "button", class: "quiet", onclick: sync }, say("try_now")),
            make("button", { type: "button", class: "quiet", onclick: copy }, say("export")),
          ),
        ]
      : []),
  );
}

function save_as(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function ownView() {
  try {
    const { answer } = await ask(`people/${encodeURIComponent(person())}/own-view`);
    if (!answer.ok) throw new Error(String(answer.status));
    save_as(await answer.blob(), "fieldhr-about-me.json");
  } catch {
    $("own-view").after(make("p", { role: "status" }, say("need_signal")));
  }
}

// -- beginning -----------------------------------------------------------------------------------------------------------

$("check-in").addEventListener("click", tap);
$("save").addEventListener("click", save);
$("photo").addEventListener("change", photo);
$("voice").addEventListener("click", voice);
$("private").addEventListener("click", privateMode);
$("consent").addEventListener("click", consent);
$("own-view").addEventListener("click", ownView);
$("language").addEventListener("click", () => {
  speak(chosen() === "en" ? "zh-Hans" : "en");
  if (state.last) showAnswer(state.last.customer);
  loadAlerts().catch(() => {});
});
$("day").addEventListener("toggle", () => $("day").open && loadDay());
$("score").addEventListener("toggle", () => $("score").open && loadScore());
$("queue").addEventListener("toggle", async () => $("queue").open && showQueue(await waiting()));
addEventListener("online", async () => {
  showNet();
  await sync();
  await refresh();
});
addEventListener("offline", showNet);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && sync());
navigator.serviceWorker?.addEventListener("message", ({ data }) => data.kind === "flushed" && settle(data));

speak(localStorage.getItem("fieldhr-language") ?? navigator.language);
await remember();
speak(chosen());
navigator.serviceWorker?.register("sw.js", { type: "module" }).catch(() => {});
navigator.storage?.persist?.();
document.body.dataset.ready = "shell";
await sync();
await refresh();
showStanding();
document.body.dataset.ready = "all";
