// Keeps the page honest: server clock, ages and time limits, the connection lamp, and the answers to actions.
// What the page shows comes from the server; htmx fetches it again whenever the live feed says that something changed.

const feed = document.getElementById("feed");
const lamp = document.getElementById("lamp");
const texts = JSON.parse(document.getElementById("texts").textContent);

// The server sends a heartbeat every second; three missed ones, checked twice a second, stay under five seconds.
const SILENCE_MS = 3500;
const AMBER_SHARE = 0.8;

let serverAhead = 0; // server clock minus this browser's monotonic clock, ms
let lastHeard = performance.now();
let lastTry = lastHeard;

export const serverNow = () => performance.now() + serverAhead;
const timeZone = document.body.dataset.timeZone;
const local = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });

function setServerTime(at) {
  serverAhead = at - performance.now();
}

// ---- time -------------------------------------------------------------------------------------------------------

function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const pad = (number) => String(number).padStart(2, "0");
  const days = Math.floor(seconds / 86400);
  const clock = `${pad(Math.floor(seconds / 3600) % 24)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return days > 0 ? `${days}d ${clock.slice(0, 5)}` : clock;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showLimit(element, now) {
  const { opened, due } = element.dataset;
  const left = due - now;
  const share = (now - opened) / (due - opened);
  element.dataset.level = left <= 0 ? "passed" : share >= AMBER_SHARE ? "amber" : "calm";
  setText(element, left <= 0 ? `${texts.tickets.overdue} ${duration(-left)}` : duration(left));
}

function tick() {
  const now = serverNow();
  setText(document.getElementById("clock"), local.format(now));
  for (const element of document.querySelectorAll("[data-since]")) setText(element, duration(now - element.dataset.since));
  for (const element of document.querySelectorAll("[data-due]")) showLimit(element, now);
}

// ---- connection -------------------------------------------------------------------------------------------------

function showConnection(state) {
  if (document.body.dataset.connection === state) return;
  document.body.dataset.connection = state;
  setText(lamp, texts.connection[state]);
  if (state === "lost") setText(document.getElementById("stale-since"), local.format(lastHeard + serverAhead));
}

function heard() {
  lastHeard = performance.now();
  showConnection("live");
}

const lost = () => showConnection("lost");

// A silent stream is given up, and one that could not be opened at all is tried again.
function watch() {
  const now = performance.now();
  if (now - Math.max(lastHeard, lastTry) <= SILENCE_MS) return;
  lastTry = now;
  lost();
  const stream = feed._htmx?.sse;
  if (stream === undefined) htmx.trigger(feed, "connect");
  else stream.reader?.cancel();
}

feed.addEventListener("heartbeat", (event) => {
  setServerTime(JSON.parse(event.detail.data).at);
  heard();
});
for (const kind of ["alert", "ticket", "status", "reset"]) feed.addEventListener(kind, heard);
feed.addEventListener("htmx:sse:error", (event) => {
  lost();
  if (event.detail.status === 401) location.assign("/login");
});
feed.addEventListener("htmx:sse:before:connection", (event) => {
  if (event.detail.connection.attempt > 0) lost();
});
feed.addEventListener("htmx:sse:close", lost);

// ---- actions ----------------------------------------------------------------------------------------------------

// The API takes JSON, and a missing field is not an empty one.
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method !== "POST") return;
  const fields = [...request.body].filter(([, value]) => value !== "");
  const body = Object.fromEntries(fields.map(([name, value]) => [name, name === "version" ? Number(value) : value]));
  request.headers["Content-Type"] = "application/json";
  event.detail.ctx.fetch = (action, options) => fetch(action, { ...options, body: JSON.stringify(body) });
});

function showFailure(code, detail) {
  const notice = document.getElementById("notice");
  setText(notice.querySelector("p"), texts.failed[code] ?? texts.failed.other);
  // The API explains in English only; a notice in Chinese holds no English sentence.
  setText(notice.querySelector("small"), document.documentElement.lang === "en" ? (detail ?? "") : "");
  notice.hidden = false;
  clearTimeout(showFailure.timer);
  showFailure.timer = setTimeout(() => (notice.hidden = true), 8000);
}

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status === 401) location.assign("/login");
  else if (ctx.request.method === "POST") {
    const problem = ctx.response.headers.get("content-type")?.includes("json") ? JSON.parse(ctx.text) : {};
    showFailure(problem.code, problem.detail);
  }
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.request.method === "POST") showFailure("network");
});
document.getElementById("notice").addEventListener("click", (event) => (event.currentTarget.hidden = true));

// ---- start ------------------------------------------------------------------------------------------------------

setServerTime(Number(document.body.dataset.serverTime));
showConnection("connecting");
tick();
setInterval(tick, 500);
setInterval(watch, 500);
document.addEventListener("htmx:before:settle", tick);
