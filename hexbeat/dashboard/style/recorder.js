/* The stop to go to, with its buttons. A tap is kept on the phone first and sent then, so that it survives an hour without
 * a connection: the queue is in the browser's storage until the server says that it has each entry. An entry holds the
 * plan's code, the team, the stop's number, what was done and when, and a mark of who was signed in: no place and no name.
 * Only the entries of that person are sent. Those of another sign-in stay until somebody decides.
 */
const STORE = "hexbeat-record";
const LOOK_MS = 1500; // how often it looks whether the connection is back
const AGAIN_MS = 6000; // an entry that nobody confirmed is sent again
const MARK = "#005a8f"; // white numbers are legible on it
const state = { queue: null, stored: true, chosen: null, sentAt: 0, offset: 0, acked: new Set(), fields: {}, timer: null, removing: false, message: null };

const connected = () =>
  document.querySelector("[data-testid=stApp]")?.getAttribute("data-test-connection-state") === "CONNECTED";

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) || "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function write() {
  try {
    if (state.queue.length) localStorage.setItem(STORE, JSON.stringify(state.queue));
    else localStorage.removeItem(STORE);
    state.stored = true;
  } catch {
    state.stored = false; // a browser that keeps nothing: the entries live as long as the page
  }
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Streamlit's own window on a lost connection would keep the page from being used; this card says the same. No page of
 *  ours opens a window, and the first button of Streamlit's closes it (a test looks whether that is still so). */
function closeWindow() {
  document.querySelector("[data-testid=stDialog] button")?.click();
}

const plural = (number, one, many) => `${number} ${number === 1 ? one : many}`;

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".hb-recorder");
  if (state.queue === null) state.queue = read();
  if (state.now !== data.now) {
    state.now = data.now;
    state.offset = data.now * 1000 - Date.now();
  }
  for (const key of data.acks) state.acked.add(key);
  const [upper, lower] = root.querySelectorAll(".part");
  const notice = root.querySelector(".notice");
  const before = state.queue.length;
  state.queue = state.queue.filter((entry) => !state.acked.has(entry.key));
  if (state.queue.length !== before) {
    state.sentAt = 0;
    write();
  }
  const mine = () => state.queue.filter((entry) => entry.by === data.mark);
  const others = () => state.queue.filter((entry) => entry.by !== data.mark);
  const own = (stop) =>
    mine().findLast((entry) => entry.plan === data.plan && entry.team === data.team && entry.stop === stop.id);
  /** Whether it is before the time from which the plan is recorded; until then the buttons do nothing, and say why. */
  const isEarly = () => Date.now() + state.offset < data.opens * 1000;
  const isOpen = (stop) => !stop.state && !own(stop);

  function send() {
    if (!mine().length || !connected() || Date.now() - state.sentAt < AGAIN_MS) return;
    state.sentAt = Date.now();
    setTriggerValue("entries", mine());
  }

  function record(stop, outcome) {
    const fields = fieldsOf(stop);
    const isSent = (entry) => state.sentAt > 0 && entry.at <= Math.floor((state.sentAt + state.offset) / 1000);
    state.queue = state.queue.filter((entry) => isSent(entry) || entry !== own(stop));
    state.queue.push({
      key: `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`,
      plan: data.plan,
      team: data.team,
      stop: stop.id,
      outcome,
      minutes: fields.minutes,
      needles: data.sweep ? fields.needles : null,
      at: Math.floor((Date.now() + state.offset) / 1000),
      by: data.mark,
    });
    write();
    say(null);
    state.chosen = null;
    state.fields = {};
    state.sentAt = 0;
    draw();
    send();
  }

  function fieldsOf(stop) {
    if (state.fields.stop !== stop.id) {
      const entry = own(stop);
      state.fields = {
        stop: stop.id,
        minutes: entry && entry.outcome === "done" ? entry.minutes : stop.spent ?? stop.minutes,
        needles: entry ? entry.needles ?? 0 : stop.needles ?? 0,
      };
    }
    return state.fields;
  }

  function draw() {
    const focused = parentElement.getRootNode().activeElement?.dataset?.part;
    const stop = data.stops.find((one) => one.id === state.chosen) || data.stops.find(isOpen);
    const parts = [status()];
    const after = []; // what stands below the message
    if (others().length) parts.push(earlier());
    if (stop) {
      parts.push(card(stop));
      if (data.sweep) parts.push(field(stop, "needles", "Needles collected", 1000000));
      if (isEarly()) parts.push(early());
      parts.push(recording(button(stop.state || own(stop) ? "Correct" : "Done", "primary", () => record(stop, "done"), "done")));
      if (stop.links.length) after.push(links(stop));
      after.push(field(stop, "minutes", "Minutes", 1440));
      after.push(recording(button("Could not do it", "", () => record(stop, "not_done"), "not")));
    } else {
      const block = make("div", "card");
      block.append(make("h2", "", "All stops are recorded"), make("p", "", "Thank you. To correct one, choose it below."));
      parts.push(block);
    }
    const last = mine().findLast((entry) => entry.plan === data.plan && entry.team === data.team);
    if (last && !connected()) {
      const order = data.stops.find((one) => one.id === last.stop)?.order ?? "";
      after.push(
        button(`Undo stop ${order}`, "", () => {
          state.queue = state.queue.filter((entry) => entry !== last);
          state.fields = {};
          write();
          draw();
        }, "undo"),
      );
    }
    after.push(chooser(stop));
    upper.replaceChildren(...parts);
    lower.replaceChildren(...after);
    showOnMap(stop);
    if (focused) root.querySelector(`[data-part="${focused}"]`)?.focus();
    state.drawn = describe();
  }

  const describe = () => `${connected()}|${isEarly()}|${state.queue.map((entry) => entry.key)}|${state.stored}`;

  /** What the last tap did, below its button until the next tap. The element stays, so that its new text is read out. */
  function say(message) {
    notice.classList.toggle("refused", Boolean(message?.refused));
    notice.replaceChildren(...(message?.lines ?? []).map((line) => make("p", "", line)));
    if (message?.refused) notice.scrollIntoView({ block: "nearest" });
  }

  /** The entries of somebody who was signed in here before. A person decides what becomes of them. */
  function earlier() {
    const block = make("div", "card");
    const kept = plural(others().length, "visit of an earlier sign-in is", "visits of an earlier sign-in are");
    block.append(make("p", "", `${kept} kept on this phone.`));
    const change = (queue) => {
      Object.assign(state, { queue, sentAt: 0, removing: false });
      write();
      draw();
      send();
    };
    const ask = (removing) => {
      state.removing = removing;
      draw();
    };
    const actions = state.removing
      ? [["Yes, remove them", () => change(mine())], ["Keep them", () => ask(false)]]
      : [
          ["Send them as mine", () => change(state.queue.map((entry) => ({ ...entry, by: data.mark })))],
          ["Remove them", () => ask(true)],
        ];
    block.append(...actions.map(([label, act]) => button(label, "", act, label)));
    return block;
  }

  function status() {
    const line = make("p", "status");
    line.setAttribute("role", "status");
    const kept = mine().length;
    if (!connected()) {
      line.classList.add("cut");
      line.textContent = kept
        ? `No connection. ${plural(kept, "visit is", "visits are")} kept on this phone and sent when it is back.`
        : "No connection. What you record is kept on this phone and sent when it is back.";
      if (!state.stored) line.textContent += " This browser keeps nothing once the page is closed: leave it open.";
      else line.textContent += " Do not reload this page until then.";
    } else if (kept) line.textContent = `Sending ${plural(kept, "visit", "visits")} …`;
    return line;
  }

  function early() {
    const line = make("p", "early", data.early);
    line.id = "hb-recorder-early";
    return line;
  }

  /** A button that records: it cannot be used before the time, and says so with the line above the first of them. */
  function recording(element) {
    element.disabled = isEarly();
    if (element.disabled) element.setAttribute("aria-describedby", "hb-recorder-early");
    return element;
  }

  function card(stop) {
    const block = make("div", "card");
    const wards = [stop.ward && `${stop.ward}.`, stop.reports && `${plural(stop.reports, "open report", "open reports")}.`];
    block.append(
      make("p", "number", `Stop ${stop.order} of ${data.stops.length}`),
      make("h2", "", stop.place),
      make("p", "", [`Planned ${stop.planned}.`, ...wards].filter(Boolean).join(" ")),
      make("p", "", stop.reason),
    );
    return block;
  }

  function field(stop, name, label, most) {
    const block = make("div", "field");
    const id = `hb-recorder-${name}`;
    const text = make("label", "", label);
    text.htmlFor = id;
    const input = make("input");
    Object.assign(input, { id, type: "number", inputMode: "numeric", min: 0, max: most, step: 1 });
    input.dataset.part = name;
    input.value = fieldsOf(stop)[name];
    const keep = (value) => {
      const number = Math.min(Math.max(Math.round(Number(value) || 0), 0), most);
      state.fields[name] = number;
      return number;
    };
    input.oninput = () => keep(input.value);
    const step = (by, sign, word) => {
      const change = button(sign, "step", () => (input.value = keep(Number(input.value) + by)), `${name}${by}`);
      change.setAttribute("aria-label", `${word} ${label.toLowerCase()}`);
      return change;
    };
    const row = make("div", "row");
    row.append(input, step(-1, "−", "Fewer"), step(1, "+", "More"));
    block.append(text, row);
    return block;
  }

  function button(label, className, act, part) {
    const element = make("button", className, label);
    element.type = "button";
    element.dataset.part = part;
    element.onclick = act;
    return element;
  }

  function links(stop) {
    const row = make("div", "links");
    for (const [label, address] of stop.links) {
      const link = make("a", "", label);
      link.href = address;
      link.rel = "noreferrer";
      if (address.startsWith("https:")) link.target = "_blank";
      row.append(link);
    }
    return row;
  }

  function chooser(shown) {
    const block = make("div", "field");
    const label = make("label", "", "Another stop");
    const select = make("select");
    label.htmlFor = select.id = "hb-recorder-stop";
    select.dataset.part = "stop";
    for (const stop of data.stops) {
      const entry = own(stop);
      const outcome = entry ? (entry.outcome === "done" ? "✓ kept" : "✗ kept") : { done: "✓", not_done: "✗" }[stop.state];
      const option = make("option", "", `${stop.order} ${stop.place}${outcome ? ` ${outcome}` : ""}`);
      option.value = stop.id;
      option.selected = stop === shown;
      select.append(option);
    }
    if (!shown) select.selectedIndex = -1;
    select.onchange = () => {
      state.chosen = select.value;
      say(null);
      draw();
    };
    block.append(label, select);
    return block;
  }

  /** The map above the card is a frame of this page; it goes to the stop at once, also without a connection, and marks
   *  it. No stop: no mark. It moves when the stop is another one, so that a person can look around. */
  function showOnMap(stop) {
    const frame = document.querySelector(".st-key-hb_done_map iframe")?.contentWindow;
    if (!frame?.map || !frame.L || !frame.map.getPane("hexbeat-marks")) return;
    const isAnother = frame.hexbeatStop?.id !== stop?.id;
    if (isAnother) {
      frame.hexbeatStop?.mark.remove();
      frame.hexbeatStop = stop && { id: stop.id, mark: markStop(frame, stop).addTo(frame.map) };
    }
    if (!stop) return;
    const here = [stop.lat, stop.lon];
    if (isAnother || !frame.map.getBounds().contains(here)) frame.map.panTo(here, { animate: false });
  }

  /** The outline of the stop's cell, a ring, and a disc with its number over the small marks of all stops. */
  function markStop({ L }, stop) {
    const here = [stop.lat, stop.lon];
    const outline = (className) =>
      L.polygon(stop.corners, { pane: "hexbeat-marks", interactive: false, fill: false, className });
    const disc = make("div", "", String(stop.order));
    Object.assign(disc.style, {
      background: MARK, color: "#fff", border: "1.5px solid #fff", borderRadius: "17px", height: "34px", boxSizing: "border-box",
      font: "600 17px/31px system-ui, sans-serif", textAlign: "center",
    });
    const icon = L.divIcon({ className: "hb-shown", html: disc.outerHTML, iconSize: [34, 34], iconAnchor: [17, 17] });
    return L.layerGroup([
      outline("hexbeat-chosen-casing"),
      outline("hexbeat-chosen"),
      L.circleMarker(here, { radius: 21, color: MARK, weight: 4, fill: false, interactive: false }),
      L.marker(here, { icon, interactive: false, keyboard: false, zIndexOffset: 1000 }),
    ]);
  }

  draw();
  if (data.message && data.message.id !== state.message) {
    state.message = data.message.id;
    say(data.message);
  }
  send();
  clearInterval(state.timer);
  const look = () => {
    if (!root.isConnected) return clearInterval(state.timer);
    send();
    if (!connected()) closeWindow();
    if (describe() !== state.drawn) draw();
    else {
      const stop = data.stops.find((one) => one.id === state.chosen) || data.stops.find(isOpen);
      showOnMap(stop);
    }
  };
  state.timer = setInterval(look, LOOK_MS);
  return () => clearInterval(state.timer);
}
