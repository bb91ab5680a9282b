/* Names of wards that have no room where they are: beside the area with a line to the ward, or while one points at the ward. */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const LONGEST_PX = 110; // of a line from a ward to its name
  const LONGEST_NARROW_PX = 50; // on a phone longer ones would be all that one sees
  const STEP_PX = 10;
  const TURNS = 32;
  const EDGE_PX = 6; // between a name and the edge of the map
  const MASK_STEP = 3; // pixels of the map in one of the mask
  const LARGEST_PX = 10;

  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const cross = (a, b, c) => (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
  const meet = ([a, b], [c, d]) => cross(a, b, c) * cross(a, b, d) < 0 && cross(c, d, a) * cross(c, d, b) < 0;

  /** Which pixels of the map lie within its wards, from a small picture of them. */
  function paintMask(map, wards) {
    const size = map.getSize();
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.ceil(size.x / MASK_STEP));
    canvas.height = Math.max(1, Math.ceil(size.y / MASK_STEP));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.lineWidth = 2;
    for (const { polygons } of wards) {
      context.beginPath();
      for (const ring of polygons.flat()) {
        ring.forEach(([lng, lat], k) => {
          const { x, y } = map.latLngToContainerPoint([lat, lng]);
          context[k ? "lineTo" : "moveTo"](x / MASK_STEP, y / MASK_STEP);
        });
        context.closePath();
      }
      context.fill("evenodd");
      context.stroke();
    }
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return ({ left, top, right, bottom }) => {
      for (let y = Math.floor(top / MASK_STEP); y <= bottom / MASK_STEP; y++) {
        for (let x = Math.floor(left / MASK_STEP); x <= right / MASK_STEP; x++) {
          if (data[(y * canvas.width + x) * 4 + 3]) return false;
        }
      }
      return true;
    };
  }

  /** Where the map's buttons, its legend and its sources stand, in pixels of the map. */
  Hexbeat.controlBoxes = (map) => {
    const { left, top } = map.getContainer().getBoundingClientRect();
    return [...map.getContainer().querySelectorAll(".leaflet-control")].map((control) => {
      const box = control.getBoundingClientRect();
      return { left: box.left - left - EDGE_PX, top: box.top - top - EDGE_PX, right: box.right - left, bottom: box.bottom - top };
    });
  };

  /** The point of a box that is nearest to another point. */
  const nearest = (box, { x, y }) => ({
    x: Math.max(box.left, Math.min(box.right, x)),
    y: Math.max(box.top, Math.min(box.bottom, y)),
  });

  /** Whether a line from a ward to its name runs through one of the boxes. */
  const runsThrough = ([from, to], boxes) => {
    for (let share = 0.1; share < 1; share += 0.1) {
      const at = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
      const point = { left: at.x - 1, right: at.x + 1, top: at.y - 1, bottom: at.y + 1 };
      if (boxes.some((box) => overlap(point, box))) return true;
    }
    return false;
  };

  Hexbeat.makeLeaders = (map, wards) => {
    const pane = map.createPane("hexbeat-leaders");
    pane.style.zIndex = 415;
    pane.style.pointerEvents = "none";
    pane.setAttribute("aria-hidden", "true");
    const lines = L.layerGroup().addTo(map);

    const shift = ({ left, top, right, bottom }, { x, y }) => ({ left: left - x, top: top - y, right: right - x, bottom: bottom - y });

    /** The shortest line to a place for the form of a name; null where there is none within reach. */
    function findLeader(middle, form, { taken, drawn, isOutside, size, longest }) {
      for (let far = 3 * STEP_PX; far <= longest; far += STEP_PX) {
        for (let turn = 0; turn < TURNS; turn++) {
          const angle = (turn / TURNS) * 2 * Math.PI;
          const x = Math.round(Math.cos(angle) * (far + form.width / 2)), y = Math.round(Math.sin(angle) * far);
          const left = middle.x + x - form.width / 2, top = middle.y + y - form.height / 2;
          const box = { left, top, right: left + form.width, bottom: top + form.height };
          if (left < EDGE_PX || top < EDGE_PX || box.right > size.x - EDGE_PX || box.bottom > size.y - EDGE_PX) continue;
          if (taken.some((other) => overlap(box, other)) || !isOutside(box)) continue;
          const line = [middle, nearest(box, middle)];
          if (runsThrough(line, taken) || drawn.some((other) => meet(line, other))) continue;
          return { form, x, y, box, line };
        }
      }
      return null;
    }

    return {
      /** Fill the gaps (null) of `fits` where a name has room outside all wards, and draw its line. */
      findPlaces(roomy, fits) {
        lines.clearLayers();
        const size = map.getSize();
        if (!fits.includes(null) || !size.x || !size.y) return;
        const origin = map.containerPointToLayerPoint([0, 0]);
        const longest = Hexbeat.isNarrow(map) ? LONGEST_NARROW_PX : LONGEST_PX;
        const taken = [...Hexbeat.controlBoxes(map), ...fits.filter(Boolean).map(({ box }) => shift(box, origin))];
        const context = { taken, drawn: [], isOutside: paintMask(map, wards), size, longest };
        roomy.forEach(({ ward, forms }, k) => {
          const middle = map.latLngToContainerPoint([ward.at[1], ward.at[0]]);
          const inView = middle.x > 0 && middle.y > 0 && middle.x < size.x && middle.y < size.y;
          const form = forms.find((one) => one.size <= LARGEST_PX && !one.text.includes("…"));
          const found = !fits[k] && inView && form ? findLeader(middle, form, context) : null;
          if (!found) return;
          context.taken.push(found.box);
          context.drawn.push(found.line);
          fits[k] = { ...found, box: shift(found.box, { x: -origin.x, y: -origin.y }) };
          const ends = found.line.map(({ x, y }) => map.containerPointToLatLng([x, y]));
          L.polyline(ends, { pane: "hexbeat-leaders", interactive: false, className: "hexbeat-leader" }).addTo(lines);
          L.circleMarker(ends[0], { pane: "hexbeat-leaders", interactive: false, radius: 2, className: "hexbeat-leader-end" }).addTo(lines);
        });
      },
    };
  };

  /** Show the whole name of a ward while one points at it, or once one has tapped it, where it is hidden or cut short. */
  Hexbeat.revealNames = (map, named) => {
    const wards = named.map(({ ward }) => ward);
    let shown = -1, before = null;

    function forget() {
      shown = -1;
      before = null;
      for (const { marker } of named) marker.getElement().classList.remove("hexbeat-revealed");
    }

    function hide() {
      if (before) {
        const icon = named[shown].marker.getElement();
        icon.classList.remove("hexbeat-revealed");
        icon.style.visibility = before.visibility;
        icon.firstChild.textContent = before.text;
        icon.firstChild.style.cssText = before.style;
      }
      shown = -1;
      before = null;
    }

    function show(place) {
      const found = place ? Hexbeat.findWard(wards, place) : -1;
      if (found === shown) return;
      hide();
      shown = found;
      if (found < 0) return;
      const icon = named[found].marker.getElement(), label = icon.firstChild;
      if (icon.style.visibility !== "hidden" && !label.textContent.includes("…")) return;
      before = { visibility: icon.style.visibility, text: label.textContent, style: label.style.cssText };
      icon.style.visibility = "";
      icon.classList.add("hexbeat-revealed");
      label.textContent = wards[found].name;
      Object.assign(label.style, { left: "0", top: "0", fontSize: "" });
    }

    map.on("mousemove click", ({ latlng }) => show(latlng));
    map.on("mouseout zoomstart", () => show(null));
    return { forget };
  };
})();
