// Keeps the page's own files for when there is no signal, and sends what waits when there is one again.
// Answers of the interface are never kept here: they are somebody's.

import { flush } from "./outbox.js";

const SHELL = "fieldhr-shell-{{tag}}";
const FILES = ["./", "app.js", "outbox.js", "words.js", "views.js", "style.css", "manifest.webmanifest", "icon.svg", "icon-192.png"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((n) => n.startsWith("fieldhr-shell-") && n !== SHELL).map((n) => caches.delete(n))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const scope = new URL(self.registration.scope);
  if (event.request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  event.respondWith(
    fetch(event.request)
      .then((answer) => {
        if (answer.ok) {
          const copy = answer.clone();
          event.waitUntil(caches.open(SHELL).then((cache) => cache.put(event.request, copy)));
        }
        return answer;
      })
      .catch(() => caches.match(event.request, { ignoreSearch: true }).then((kept) => kept ?? caches.match("./"))),
  );
});

self.addEventListener("sync", (event) => {
  if (event.tag === "fieldhr-outbox") event.waitUntil(sendAndTell());
});

async function sendAndTell() {
  const done = await flush();
  for (const client of await self.clients.matchAll()) client.postMessage({ kind: "flushed", ...done });
}
