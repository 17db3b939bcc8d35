// Requests to the server. The token is in sessionStorage: it goes out in a header of this page's own
// requests and nowhere else, so that no other page, port or log gets it, and it ends with the tab.
import { h } from "./dom.js";

const TOKEN = "ionq-fake token";

export class Failed extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

let asking = null;
function askForToken() {
  asking ??= new Promise((resolve) => {
    const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true, class: "wide" });
    const form = h("form", { method: "dialog", onsubmit: () => { sessionStorage.setItem(TOKEN, field.value.trim()); } },
      h("h2", {}, "This server needs its token"),
      h("p", {}, "Other computers can reach it. ionq-fake serve printed the token when it started, or took it from IONQ_FAKE_TOKEN."),
      h("label", { for: "token" }, "Token"), field,
      h("p", { class: "row end" }, h("button", { class: "primary" }, "Continue")));
    const dialog = h("dialog", { "aria-label": "Token", onclose: () => { dialog.remove(); asking = null; resolve(); } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}

const headers = (more) => {
  const token = sessionStorage.getItem(TOKEN);
  return { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...more };
};

async function send(path, options, again = true) {
  const response = await fetch(path, { ...options, headers: headers(options.headers), credentials: "omit" });
  if (response.status === 401 && again && !path.startsWith("/v0")) {
    await askForToken();
    return send(path, options);
  }
  return response;
}

export async function call(method, path, body, signal, more) {
  const options = { method, signal, headers: { ...more } };
  if (body !== undefined && method !== "GET") {
    options.body = typeof body === "string" ? body : JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const response = await (more?.Authorization ? fetch(path, { ...options, credentials: "omit" }) : send(path, options));
  const text = await response.text();
  let found;
  try { found = text ? JSON.parse(text) : {}; } catch { found = { message: text.slice(0, 300) }; }
  if (!response.ok) throw new Failed(response.status, found.message ?? response.statusText);
  return found;
}

export const get = (path, signal) => call("GET", path, undefined, signal);

// Listen to the server-sent events, by fetch and not EventSource, which sends no header. After a
// break it goes on after the last event that it got. on(name, data) is called for each event.
export async function listen(path, on, state) {
  let last = null, pause = 500;
  for (;;) {
    try {
      const response = await send(path, { headers: last ? { "Last-Event-ID": last } : {} });
      if (!response.ok) throw new Failed(response.status, response.statusText);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      state(true);
      for (pause = 500; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const frames = (rest + value).split("\n\n");
        rest = frames.pop();
        for (const frame of frames) {
          const event = Object.fromEntries(frame.split("\n").filter((line) => !line.startsWith(":"))
            .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
          if (event.id) last = event.id;
          if (event.event) on(event.event, JSON.parse(event.data));
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Failed || error.name === "AbortError")) console.error(error);
    }
    state(false);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, 8000);
  }
}
