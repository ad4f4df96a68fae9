// What waits to be sent: kept in IndexedDB, sent by the page and by the service worker, one of them at a time.
// Nothing is taken out before the server has said that it is kept.

const NAME = "fieldhr-phone";
const base = new URL("../api/", self.location.href.replace(/[^/]*$/, ""));

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
      request.result.createObjectStore("known");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within(store, mode, work) {
  const db = await opened();
  try {
    return await new Promise((resolve, reject) => {
      // "strict": what is said to be kept is on the disk, even if the battery dies now.
      const transaction = db.transaction(store, mode, { durability: "strict" });
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    db.close();
  }
}

export const known = {
  read: (key) => within("known", "readonly", (store) => store.get(key)),
  write: (key, value) => within("known", "readwrite", (store) => store.put(value, key)),
  forget: () => within("known", "readwrite", (store) => store.clear()),
};

export const waiting = () => within("outbox", "readonly", (store) => store.getAll());

// item: {who, kind, id, method, path, body (JSON value) or blob, media, made}
export async function keep(item) {
  await within("outbox", "readwrite", (store) => store.add({ ...item, made: Date.now(), refused: null }));
}

export const drop = (seq) => within("outbox", "readwrite", (store) => store.delete(seq));
const mark = (item) => within("outbox", "readwrite", (store) => store.put(item));

export async function ask(path, options = {}) {
  const started = Date.now();
  const answer = await fetch(new URL(path, base), { credentials: "same-origin", cache: "no-store", ...options });
  const ended = Date.now();
  return { answer, middle: (started + ended) / 2 };
}

export async function session() {
  const { answer, middle } = await ask("session");
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`session ${answer.status}`);
  const found = await answer.json();
  found.skew_ms = middle - Date.parse(found.server_time);
  return found;
}

export const whose = (found) => `${found.tenant} ${found.principal}`;

// Sends what waits. Returns {sent: [{item, answer}], login: whether somebody must log in first}.
export function flush() {
  return navigator.locks.request("fieldhr-outbox", async () => {
    const sent = [];
    let items = (await waiting()).filter((item) => !item.refused);
    if (!items.length) return { sent, login: false };
    let mine;
    try {
      mine = await session();
    } catch {
      return { sent, login: false };
    }
    if (mine === null) return { sent, login: true };
    // What somebody else left on this phone is theirs to send.
    items = items.filter((item) => item.who === whose(mine));
    for (const item of items) {
      let answer;
      try {
        ({ answer } = await ask(item.path, {
          method: item.method,
          headers: { "Content-Type": item.media ?? "application/json", "X-CSRF-Token": mine.form_token },
          body: item.blob ?? JSON.stringify(item.body),
        }));
      } catch {
        break; // no connection: the rest waits, too
      }
      if (answer.ok) {
        let said = null;
        try {
          said = await answer.json();
        } catch {
          break; // cut off: it comes again under the same id
        }
        await drop(item.seq);
        sent.push({ item, answer: said });
      } else if (answer.status === 401) {
        return { sent, login: true };
      } else if ([400, 403, 404, 409, 413, 422].includes(answer.status)) {
        const problem = await answer.json().catch(() => ({}));
        await mark({ ...item, refused: problem.code ?? String(answer.status) });
      } else {
        break; // the server asks for patience
      }
    }
    return { sent, login: false };
  });
}
