/* The base map: ward outlines under the cells, ward names above them. The wards of an area come in a script of their own,
 * `Hexbeat.addWards(id, {...})`, that a browser caches; a map asks for them by id.
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const areas = new Map();

  Hexbeat.addWards = (id, area) => areas.set(id, area);
  Hexbeat.areaOf = (id) => areas.get(id);

  const toLatLngs = (polygons) => polygons.map((rings) => rings.map((ring) => ring.map(([lng, lat]) => [lat, lng])));

  function addPane(map, name, zIndex) {
    const pane = map.createPane(name);
    pane.style.zIndex = zIndex;
    pane.style.pointerEvents = "none";
  }

  const SMALL_PX = 10;
  const LINE_EM = 8.5; // the longest line of a name
  const SHORT_EM = 7;
  const STEP_PX = 7; // between the places where a name is tried
  const FURTHEST_PX = 70;
  const MARK_PX = 13; // from the middle of a stop's number to its edge
  const LEAST_ROOM_PX = 16; // smaller wards wait for zoom
  const AFTER_CELLS_MS = 20; // a frame: new cells are seen before names give way to their legend
  const FONT = 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
  const ruler = document.createElement("canvas").getContext("2d");

  /** Words in lines of at most `longest` pixels, by the font that the ruler has. */
  function breakLines(words, longest) {
    const lines = [words[0]];
    for (const word of words.slice(1)) {
      const longer = `${lines[lines.length - 1]} ${word}`;
      if (ruler.measureText(longer).width <= longest) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  function shorten(words, longest) {
    let kept = words.slice(0, 1);
    while (kept.length < words.length && ruler.measureText(`${[...kept, words[kept.length]].join(" ")}…`).width <= longest) {
      kept = words.slice(0, kept.length + 1);
    }
    if (kept.length === words.length) return kept.join(" ");
    return `${kept.join(" ").replace(/[\s,&]+(and|with|the)?$/, "")}…`;
  }

  /** How a name may be written: in lines, on one line, smaller, and cut short. */
  function listForms(name) {
    const words = name.split(/\s+/);
    const forms = [];
    for (const [size, longest] of [[11.5, LINE_EM], [11.5, Infinity], [SMALL_PX, LINE_EM - 1], [SMALL_PX, Infinity], [SMALL_PX, 0]]) {
      ruler.font = `600 ${size}px ${FONT}`;
      const lines = longest ? breakLines(words, longest * size) : breakLines(shorten(words, SHORT_EM * 1.6 * size).split(" "), SHORT_EM * size);
      const text = lines.join("\n");
      if (forms.some((form) => form.text === text && form.size === size)) continue;
      const width = Math.max(...lines.map((line) => ruler.measureText(line).width)) + 6;
      forms.push({ text, size, width, height: lines.length * size * 1.1 + 2 });
    }
    return forms;
  }

  function nameMarker(ward) {
    const label = document.createElement("span");
    label.textContent = ward.name;
    const icon = L.divIcon({ html: label, className: "hexbeat-name", iconSize: null });
    return L.marker([ward.at[1], ward.at[0]], { icon, pane: "hexbeat-names", interactive: false, keyboard: false });
  }

  Hexbeat.drawWards = (map, area) => {
    addPane(map, "hexbeat-wards", 350);
    addPane(map, "hexbeat-cells", 390); // routes and circles, in Leaflet's own pane, lie above them
    addPane(map, "hexbeat-borders", 405);
    addPane(map, "hexbeat-marks", 410);
    addPane(map, "hexbeat-names", 420);
    map.getPane("hexbeat-names").setAttribute("aria-hidden", "true");
    for (const ward of area.wards) {
      const outline = toLatLngs(ward.polygons);
      L.polygon(outline, { pane: "hexbeat-wards", interactive: false, className: "hexbeat-ward" }).addTo(map);
      L.polygon(outline, { pane: "hexbeat-borders", interactive: false, fill: false, className: "hexbeat-border" }).addTo(map);
    }
    const markers = area.wards.map((ward) => nameMarker(ward).addTo(map));
    const named = area.wards.map((ward, k) => ({ ward, marker: markers[k], forms: listForms(ward.name) }));
    const leaders = Hexbeat.makeLeaders(map, area.wards);
    let clearOf = "";
    const describeControls = () => JSON.stringify(Hexbeat.controlBoxes(map));
    const place = () => {
      clearTimeout(map.hexbeat.controlsWaiting);
      clearOf = describeControls();
      map.hexbeat.nameBoxes = placeNames(map, named, leaders);
      if (map.hexbeat.revealed) map.hexbeat.revealed.forget();
    };
    map.hexbeat.revealed = Hexbeat.revealNames(map, named);
    map.hexbeat.clearControls = () => {
      clearTimeout(map.hexbeat.controlsWaiting);
      if (describeControls() === clearOf) return;
      if (Hexbeat.printing) place();
      else map.hexbeat.controlsWaiting = setTimeout(place, AFTER_CELLS_MS);
    };
    map.on("moveend resize viewreset", place);
    map.on("layeradd", ({ layer }) => {
      if (!isMark(layer)) return;
      clearTimeout(map.hexbeat.marksWaiting);
      map.hexbeat.marksWaiting = setTimeout(place, 40); // before the names of streets, which give way to those of wards
    });
    map.whenReady(place);
  };

  const isMark = (layer) => layer instanceof L.Marker && layer.options.pane !== "hexbeat-names";

  /** The numbers of stops, and the map's own buttons, legend and sources: names give way to them. */
  function listMarks(map) {
    const origin = map.containerPointToLayerPoint([0, 0]);
    const boxes = Hexbeat.controlBoxes(map).map(({ left, top, right, bottom }) => ({
      left: left + origin.x, top: top + origin.y, right: right + origin.x, bottom: bottom + origin.y,
    }));
    map.eachLayer((layer) => {
      if (!isMark(layer)) return;
      const { x, y } = map.latLngToLayerPoint(layer.getLatLng());
      boxes.push({ left: x - MARK_PX, top: y - MARK_PX, right: x + MARK_PX, bottom: y + MARK_PX });
    });
    return boxes;
  }

  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  /** Shifts from the middle of a ward, the nearest first; sideways ones are as good as longer ones up or down. */
  const SHIFTS = [];
  for (let x = -FURTHEST_PX; x <= FURTHEST_PX; x += STEP_PX) {
    for (let y = -FURTHEST_PX; y <= FURTHEST_PX; y += STEP_PX) SHIFTS.push([x, y]);
  }
  SHIFTS.sort((a, b) => Math.hypot(a[0], a[1] * 1.3) - Math.hypot(b[0], b[1] * 1.3));

  /** Every ward's name where no other stands: small wards choose first, since large ones have room. A name that does not fit in
   * the middle is moved within its ward, then written smaller, then cut short, then written beside the area with a line to its
   * ward. What finds no room is shown while one points at the ward. Answers the boxes that are taken. */
  function placeNames(map, named, leaders) {
    const roomy = named.map((name) => {
      const { south, east, north, west } = name.ward;
      return { ...name, room: map.latLngToLayerPoint([south, east]).subtract(map.latLngToLayerPoint([north, west])) };
    });
    roomy.sort((a, b) => a.room.x * a.room.y - b.room.x * b.room.y);
    let fits = findPlaces(map, roomy);
    if (fits.includes(null)) {
      const small = findPlaces(map, roomy, SMALL_PX); // where all are written small, more of them have room
      if (small.filter(Boolean).length > fits.filter(Boolean).length) fits = small;
    }
    leaders.findPlaces(roomy, fits);
    roomy.forEach(({ marker }, k) => showName(marker.getElement(), fits[k]));
    return fits.filter(Boolean).map(({ box }) => box);
  }

  function showName(icon, fit) {
    icon.style.visibility = fit ? "" : "hidden";
    if (!fit) return;
    const label = icon.firstChild;
    label.textContent = fit.form.text;
    Object.assign(label.style, { fontSize: `${fit.form.size}px`, left: `${fit.x}px`, top: `${fit.y}px` });
  }

  /** A place for each name, null for none, with its forms of at most `largest` pixels. */
  function findPlaces(map, roomy, largest = Infinity) {
    const shown = listMarks(map);
    return roomy.map(({ ward, forms, room }) => {
      if (Math.min(room.x, room.y) < LEAST_ROOM_PX) return null;
      const fit = findPlace(map, ward, forms.filter(({ size }) => size <= largest), room, shown);
      if (fit) shown.push(fit.box);
      return fit;
    });
  }

  function findPlace(map, ward, forms, room, shown) {
    const middle = map.latLngToLayerPoint([ward.at[1], ward.at[0]]);
    const near = SHIFTS.filter(([x, y]) => Math.abs(x) <= room.x / 2 && Math.abs(y) <= room.y / 2);
    for (const form of forms) {
      if (form.width > room.x * 2 + 30) continue;
      for (const [x, y] of near) {
        const left = middle.x + x - form.width / 2, top = middle.y + y - form.height / 2;
        const box = { left, top, right: left + form.width, bottom: top + form.height };
        if (shown.some((other) => overlap(box, other))) continue;
        if ((x || y) && !holds(ward, map.layerPointToLatLng([middle.x + x, middle.y + y]))) continue;
        return { form, x, y, box };
      }
    }
    return null;
  }

  function holds(ward, { lat, lng }) {
    if (lat < ward.south || lat > ward.north || lng < ward.west || lng > ward.east) return false;
    ward.flat = ward.flat || ward.polygons.map((rings) => rings.map((ring) => ring.flat()));
    return ward.flat.some((rings) => rings.filter((ring) => Hexbeat.inRing(ring, 0, ring.length, lng, lat)).length % 2 === 1);
  }

  Hexbeat.findWard = (wards, place) => wards.findIndex((ward) => holds(ward, place));

  /** The name of the ward that holds a place, or "" outside them all. */
  Hexbeat.wardNameAt = (map, { lat, lng }) => {
    const wards = map.hexbeat ? map.hexbeat.area.wards : [];
    const found = wards.find((ward) => holds(ward, { lat, lng }));
    return found ? found.name : "";
  };
})();
