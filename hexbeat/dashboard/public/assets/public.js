"use strict";
// Chooses ward, layer and period, and shows the published numbers. All data is in the page; nothing is loaded.
(() => {
  const { rings, sides, path: pathOf, middle, onward } = HexbeatShapes;
  const data = JSON.parse(document.getElementById("hp-data").textContent);
  const byId = (name) => document.getElementById(`hp-${name}`);
  const svg = document.querySelector(".hp-map");
  const svgPart = (selector) => svg.querySelector(selector);
  const RESTS = { group: "rest-part", ward: "rest-ward", borough: "rest-area" };
  const MARGIN = 60;
  const now = { ward: 0, layer: 0, period: 0, chosen: -1 }; // ward 0 is the whole area; chosen: a place of the map
  let zoom = null;
  const sets = new Map();
  for (const group of svg.querySelectorAll(".hp-set")) {
    const paths = [...group.children];
    const places = paths.map((path) => rings(path.getAttribute("d")));
    sets.set(group.dataset.set, { group, paths, places, middles: places.map(middle) });
  }

  const layer = () => data.layers[now.layer];
  const period = () => layer().periods[now.period];
  const wardName = () => (now.ward ? data.wards[now.ward - 1].name : data.title);
  const place = () => (layer().byWard ? now.ward : 0);

  function element(name, text, classes) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (classes) made.className = classes;
    return made;
  }

  function fillOf(block) {
    if (!block) return "hidden";
    const [level, , , , count] = block;
    if (RESTS[level]) return RESTS[level];
    let step = 0;
    while (step < 4 && count >= layer().k * 2 ** (step + 1)) step += 1;
    return `c${step}`;
  }

  function showMap() {
    for (const [name, { group }] of sets) group.toggleAttribute("hidden", name !== layer().set);
    const { paths, places } = sets.get(layer().set);
    const { blocks, covering } = period();
    paths.forEach((path, index) => path.setAttribute("class", `hp-${fillOf(blocks[covering[index]])}`));
    const lines = pathOf(sides(places, covering));
    for (const part of [".hp-gaps", ".hp-borders"]) svgPart(part).setAttribute("d", lines);
    const code = now.ward ? data.wards[now.ward - 1].code : "";
    for (const line of svg.querySelectorAll(".hp-ward")) line.classList.toggle("hp-here", line.dataset.ward === code);
    const [left, top, wide, high] = now.ward ? data.wards[now.ward - 1].box : [MARGIN, MARGIN, 0, 0];
    const box = [left - MARGIN, top - MARGIN, wide + 2 * MARGIN, high + 2 * MARGIN].join(" ");
    const wanted = now.ward ? box : svg.dataset.full;
    if (svg.dataset.at !== wanted) zoom.open(wanted);
    svg.dataset.at = wanted;
    svg.setAttribute("aria-label",
      `Map of ${layer().many} in ${wardName()}, ${period().words}. The table of places says the same. Arrow keys move ` +
      "it, plus and minus zoom, Alt with arrow keys goes from place to place and says the number.");
    fitNames();
  }

  // Names keep their size on the screen whatever the zoom; one that would lie on another is left out.
  function fitNames() {
    const scale = svg.getScreenCTM();
    if (!scale || !scale.a) return;
    svg.style.setProperty("--hp-unit", String(1 / scale.a));
    const hatch = Math.max(0.3, Math.min(1, 0.55 / scale.a));
    for (const pattern of svg.querySelectorAll("pattern")) {
      pattern.setAttribute("patternTransform", `${pattern.dataset.turn || ""} scale(${hatch})`);
    }
    const taken = [];
    const code = now.ward ? data.wards[now.ward - 1].code : "";
    const names = [...svg.querySelectorAll(".hp-names text")];
    names.sort((one, other) => (other.dataset.ward === code) - (one.dataset.ward === code));
    for (const name of names) {
      name.removeAttribute("visibility");
      name.removeAttribute("dx");
      const at = name.getBBox();
      const room = svg.viewBox.baseVal;
      const inside = name.getAttribute("x") >= room.x && name.getAttribute("x") <= room.x + room.width;
      const shift = Math.max(0, room.x + 4 - at.x) - Math.max(0, at.x + at.width - room.x - room.width + 4);
      if (inside && shift) name.setAttribute("dx", String(shift));
      const box = name.getBBox();
      const free = taken.every((held) => box.x > held.x + held.width || held.x > box.x + box.width ||
        box.y > held.y + held.height || held.y > box.y + box.height);
      if (free) taken.push(box);
      else name.setAttribute("visibility", "hidden");
    }
  }

  function showTable() {
    const { blocks, words } = period();
    const code = now.ward ? data.wards[now.ward - 1].code : "";
    const order = new Map(data.wards.map((ward, index) => [ward.code, index]));
    const rows = blocks.map((block, index) => ({ block, index }))
      .filter(({ block }) => !code || block[1] === code || block[1] === "")
      .sort((one, other) => (order.get(one.block[1]) ?? 1e9) - (order.get(other.block[1]) ?? 1e9));
    const table = byId("table").querySelector("table");
    table.querySelector("caption").textContent = `${layer().title}, ${words}`;
    const body = table.tBodies[0];
    body.replaceChildren(...rows.map(({ block, index }) => {
      const row = element("tr");
      const head = element("th");
      head.scope = "row";
      const button = element("button", block[2]);
      button.type = "button";
      button.dataset.block = String(index);
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => pick(index, true));
      head.append(button);
      row.append(head, element("td", block[3]), element("td", block[4].toLocaleString("en-GB"), "hp-number"));
      return row;
    }));
    if (!rows.length) {
      const cell = element("td", `${period().blank[0].toUpperCase()}${period().blank.slice(1)}.`);
      cell.colSpan = 3;
      const row = element("tr");
      row.append(cell);
      body.append(row);
    }
  }

  function showPast() {
    const past = byId("past").querySelector("table");
    past.querySelector("caption").textContent =
      `${layer().title} in ${place() ? wardName() : data.title}, period by period`;
    const most = Math.max(1, ...layer().periods.map((one) => one.shown[place()][0]));
    past.tBodies[0].replaceChildren(...layer().periods.map((one, index) => {
      const [count, whole] = one.shown[place()];
      const row = element("tr");
      if (index === now.period) {
        row.className = "hp-now";
        row.setAttribute("aria-current", "true");
      }
      const head = element("th", one.short);
      head.scope = "row";
      const bar = element("td");
      bar.append(element("i", "", `hp-bar hp-w${Math.ceil((20 * count) / most)}`));
      const least = count ? `${whole ? "" : "at least "}${count.toLocaleString("en-GB")}` : one.blank;
      row.append(head, bar, element("td", least, "hp-number"));
      return row;
    }));
  }

  // By Alt and an arrow key from one number to the next.
  function walk(arrow) {
    const { middles } = sets.get(layer().set);
    const { x, y, width, height } = svg.viewBox.baseVal;
    const next = onward(middles, period().covering, now.chosen, [x + width / 2, y + height / 2], arrow);
    if (next < 0) return;
    now.chosen = next;
    pick(period().covering[next], false);
    zoom.show(middles[next]);
  }

  function letGo() {
    now.chosen = -1;
    pick(null);
  }

  // Show one block on the map and say what it is; again to let it go. An answer under the search box is then an old one.
  function pick(index, toggle) {
    byId("find").querySelector(".hp-found")?.replaceChildren();
    byId("picked").removeAttribute("aria-live");
    const { places } = sets.get(layer().set);
    const { blocks, covering } = period();
    const buttons = [...byId("table").querySelectorAll("button")];
    const held = buttons.some((one) => Number(one.dataset.block) === index && one.getAttribute("aria-pressed") === "true");
    const chosen = toggle && held ? null : index;
    for (const one of buttons) one.setAttribute("aria-pressed", String(Number(one.dataset.block) === chosen));
    svgPart(".hp-chosen").setAttribute("d", chosen === null || chosen < 0 ? "" : pathOf(sides(places, covering, chosen)));
    let words = data.hint;
    if (chosen !== null && chosen < 0) words = period().nothing;
    else if (chosen !== null) {
      const [, , , covers, count] = blocks[chosen];
      words = `${count.toLocaleString("en-GB")} ${layer().many} ${covers}, ${period().words}.`;
    }
    byId("picked").textContent = words;
    byId("picked").classList.toggle("hp-hint", chosen === null);
  }

  function show() {
    const { lines } = period();
    const [lead, ...rest] = lines[now.ward];
    document.querySelector(".hp-lead").textContent = lead;
    document.querySelector(".hp-rest").textContent = rest.join(" ");
    byId("when-words").textContent = period().words;
    const slider = byId("when");
    slider.max = String(layer().periods.length - 1);
    slider.value = String(now.period);
    slider.setAttribute("aria-valuetext", period().words);
    byId("earlier").setAttribute("aria-disabled", String(now.period === 0));
    byId("later").setAttribute("aria-disabled", String(now.period === layer().periods.length - 1));
    byId("periods").toggleAttribute("hidden", layer().periods.length < 2);
    byId("ward").value = String(now.ward);
    for (const choice of byId("layers").querySelectorAll("input")) choice.checked = Number(choice.value) === now.layer;
    byId("legend").innerHTML = period().legend ?? layer().legend; // ours, escaped where it holds names
    for (const part of document.querySelectorAll(".hp-do, .hp-how")) {
      part.toggleAttribute("hidden", part.dataset.layer !== layer().name);
    }
    document.querySelector(".hp-promise").textContent = layer().promise;
    showPage();
    document.title = `What is happening in ${wardName()}?`;
    showMap();
    showTable();
    showPast();
    letGo();
    keepLink();
  }

  // What a reader looked for: its ward, and in it the number of the block around it. The answer, to stand under the box.
  function goTo(entry) {
    if (!entry) return letGo();
    const { label, ward, leaf } = entry;
    const isAnother = now.ward !== ward + 1;
    now.ward = ward + 1;
    show();
    const index = leaf[layer().set] ?? -1;
    if (index < 0) return `Shown on the map: ${label}. ${period().lines[now.ward][0]}`;
    now.chosen = index;
    pick(period().covering[index], false);
    const { covering, around } = period();
    const answer = `Around ${label}: ${around.at(covering[index])}`; // the last one: nothing is published
    byId("picked").setAttribute("aria-live", "off"); // said once, under the box
    byId("picked").textContent = answer;
    zoom.show(sets.get(layer().set).middles[index]);
    const name = label.slice(0, label.lastIndexOf(" ("));
    return isAnother ? `${answer} ${name} lies in ${wardName()}, which this page now shows.` : answer;
  }

  // The chosen ward on a page of paper, which lies beside this page as a file.
  function showPage() {
    byId("page").toggleAttribute("hidden", !now.ward);
    if (!now.ward) return;
    const link = byId("page").querySelector("a");
    link.href = data.wards[now.ward - 1].page;
    link.textContent = `${wardName()} as one A4 page (PDF)`;
  }

  function keepLink() {
    const parts = new URLSearchParams();
    if (now.ward) parts.set("ward", data.wards[now.ward - 1].code);
    parts.set("layer", layer().name);
    parts.set("period", period().name);
    try {
      history.replaceState(null, "", `#${parts}`);
    } catch {
      // A frame may forbid it; the page works without.
    }
  }

  function readLink() {
    const parts = new URLSearchParams(location.hash.slice(1));
    const found = (list, test) => list.findIndex(test);
    now.ward = found(data.wards, (ward) => ward.code === parts.get("ward")) + 1;
    now.layer = Math.max(0, found(data.layers, (one) => one.name === parts.get("layer")));
    const asked = found(layer().periods, (one) => one.name === parts.get("period"));
    now.period = asked < 0 ? layer().latest : asked;
  }

  function chooseLayer(index) {
    const before = period().name;
    now.layer = index;
    const same = layer().periods.findIndex((one) => one.name === before);
    now.period = same < 0 ? layer().latest : same;
    show();
  }

  function choosePeriod(index) {
    if (index < 0 || index >= layer().periods.length || index === now.period) return;
    now.period = index;
    show();
  }

  function start() {
    const select = byId("ward");
    select.append(new Option(data.title, "0"), ...data.wards.map((ward, index) => new Option(ward.name, String(index + 1))));
    select.addEventListener("change", () => { now.ward = Number(select.value); show(); });
    data.layers.forEach((one, index) => {
      const label = element("label", one.title);
      const choice = element("input");
      Object.assign(choice, { type: "radio", name: "hp-layer", value: String(index) });
      choice.addEventListener("change", () => chooseLayer(index));
      label.prepend(choice);
      byId("layers").append(label);
    });
    byId("layers").toggleAttribute("hidden", data.layers.length < 2);
    byId("when").addEventListener("input", (event) => choosePeriod(Number(event.target.value)));
    byId("earlier").addEventListener("click", () => choosePeriod(now.period - 1));
    byId("later").addEventListener("click", () => choosePeriod(now.period + 1));
    for (const { paths } of sets.values()) {
      paths.forEach((path, index) => path.addEventListener("click", () => {
        now.chosen = index;
        pick(period().covering[index], false);
      }));
    }
    for (const pattern of svg.querySelectorAll("pattern")) pattern.dataset.turn = pattern.getAttribute("patternTransform") || "";
    document.querySelector(".hp-where").hidden = true;
    document.querySelector(".hp-pick").hidden = false;
    byId("choices").hidden = false;
    byId("plain").hidden = true;
    zoom = HexbeatZoom(svg, { changed: fitNames, walk, letGo });
    new ResizeObserver(fitNames).observe(svg);
    window.addEventListener("hashchange", () => { readLink(); show(); });
    if (data.search) {
      byId("find").append(HexbeatSearch.box(HexbeatSearch.unpack(data.search, data.wards.map((ward) => ward.name)), goTo));
    }
    readLink();
    show();
  }

  start();
})();
