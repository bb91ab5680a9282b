/* Names of streets, parks and water, along their lines and above the cells, and of stations, schools and the like at a dot. A name is drawn where nothing else stands: names of
 * wards come first, then those of main roads, and so on. Where a name may stand does not depend on what part of the map one
 * sees, so it stays where it is while the map moves.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const GRID_PX = 48;
  const AGAIN_PX = 320; // between two names of one street
  const MOST_NAMES = 220;
  const MARKER_PX = 14; // from the middle of a stop's number
  const BEND = 0.16; // how far a street may leave the straight line under its name, as a share of the name's length
  const FRACTIONS = [0.5, 0.3, 0.7, 0.15, 0.85];
  const FONT = 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
  const KINDS = [
    { part: "lines", kind: "main", from: 12.5, size: 11, weight: 600 },
    { part: "lines", kind: "through", from: 13.5, size: 11, weight: 500 },
    { part: "points", from: 13, size: 10.5, weight: 500 },
    { part: "areas", kind: "green", from: 14, size: 11, weight: 400 },
    { part: "areas", kind: "water", from: 14, size: 11, weight: 400 },
    { part: "lines", kind: "street", from: 14.25, size: 11, weight: 400 },
    { part: "lines", kind: "path", from: 16, size: 10.5, weight: 400 },
  ];
  // From which zoom a kind of place has its name, in the order of Python's MAP_KINDS (basemap.py).
  const PLACES_FROM = [13, 14, 13.5, 14, 14.5, 14.75, 15, 15, 15.25, 16, 16.5];
  const DOT_PX = 2.4;
  const COLOURS = {
    light: { text: "#36414b", quiet: "#4d5a66", halo: "rgba(255, 255, 255, 0.9)" },
    dark: { text: "#ffffff", quiet: "#e3e8ec", halo: "rgba(16, 20, 25, 0.82)" },
  };

  /** The boxes that are taken, found by the squares of a grid that they touch. */
  Hexbeat.takenPlaces = () => {
    const squares = new Map();
    const touched = ({ left, top, right, bottom }, visit) => {
      for (let x = Math.floor(left / GRID_PX); x <= Math.floor(right / GRID_PX); x++) {
        for (let y = Math.floor(top / GRID_PX); y <= Math.floor(bottom / GRID_PX); y++) {
          if (visit(`${x},${y}`)) return true;
        }
      }
      return false;
    };
    const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const isFree = (box) => !touched(box, (square) => (squares.get(square) || []).some((other) => overlap(box, other)));
    const take = (box) => {
      touched(box, (square) => {
        if (!squares.has(square)) squares.set(square, []);
        squares.get(square).push(box);
      });
    };
    return { isFree, take };
  };

  /** A name turned by an angle as a row of small boxes. */
  function boxesOf({ x, y, angle, width, height }) {
    const steps = Math.max(1, Math.ceil(width / height));
    const half = height / 2 + 1;
    const boxes = [];
    for (let k = 0; k <= steps; k++) {
      const along = (k / steps - 0.5) * (width - height);
      const cx = x + along * Math.cos(angle), cy = y + along * Math.sin(angle);
      boxes.push({ left: cx - half, top: cy - half, right: cx + half, bottom: cy + half });
    }
    return boxes;
  }

  function measureChain(places, scale) {
    const along = new Float64Array(places.length / 2);
    for (let k = 1; k < along.length; k++) {
      const dx = places[k * 2] - places[k * 2 - 2], dy = places[k * 2 + 1] - places[k * 2 - 1];
      along[k] = along[k - 1] + Math.hypot(dx, dy) * scale;
    }
    return along;
  }

  function pointAt(places, along, wanted, { scale, left, top }) {
    let k = 1;
    while (k < along.length - 1 && along[k] < wanted) k++;
    const share = (wanted - along[k - 1]) / (along[k] - along[k - 1] || 1);
    const x = places[k * 2 - 2] + (places[k * 2] - places[k * 2 - 2]) * share;
    const y = places[k * 2 - 1] + (places[k * 2 + 1] - places[k * 2 - 1]) * share;
    return [x * scale - left, y * scale - top];
  }

  /** Where a name of this width may stand along a line: on stretches that are nearly straight. */
  function* stretches({ places }, width, place) {
    const along = measureChain(places, place.scale);
    const length = along[along.length - 1];
    if (length < width + 8) return;
    for (const fraction of FRACTIONS) {
      const from = fraction * length - width / 2;
      if (from < 2 || from + width > length - 2) continue;
      const [x1, y1] = pointAt(places, along, from, place);
      const [x2, y2] = pointAt(places, along, from + width, place);
      const chord = Math.hypot(x2 - x1, y2 - y1);
      if (chord < width * 0.94) continue;
      const bends = [0.25, 0.5, 0.75].some((share) => {
        const [x, y] = pointAt(places, along, from + width * share, place);
        return Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / chord > Math.min(6, width * BEND);
      });
      if (bends) continue;
      const turned = Math.atan2(y2 - y1, x2 - x1);
      const angle = turned > Math.PI / 2 ? turned - Math.PI : turned <= -Math.PI / 2 ? turned + Math.PI : turned;
      yield { x: (x1 + x2) / 2, y: (y1 + y2) / 2, angle };
    }
  }

  function* middles(area, width, { scale, left, top }) {
    if ((area.east - area.west) * scale < width) return;
    yield { x: ((area.west + area.east) / 2) * scale - left, y: ((area.north + area.south) / 2) * scale - top, angle: 0 };
  }

  /** Where the name of a place may stand beside its dot: to the right, to the left, below, above. */
  function* beside({ x, y }, width, height) {
    const away = DOT_PX + 4 + width / 2;
    yield* [[away, 0], [-away, 0], [0, height], [0, -height]].map(([dx, dy]) => ({ x: x + dx, y: y + dy, angle: 0 }));
  }

  /** Names of places, each at the first free side of its dot. */
  function placePoints(points, { zoom, font, px, place, size, taken, drawn }) {
    for (const { kind, name, at } of points) {
      if (zoom < PLACES_FROM[kind]) continue;
      const dot = { x: at[0] * place.scale - place.left, y: at[1] * place.scale - place.top };
      if (dot.x < 0 || dot.y < 0 || dot.x > size.x || dot.y > size.y) continue;
      const spot = { left: dot.x - DOT_PX, top: dot.y - DOT_PX, right: dot.x + DOT_PX, bottom: dot.y + DOT_PX };
      const width = widthOf(name, font), height = px + 2;
      if (!taken.isFree(spot) || drawn.some(({ text, x, y }) => text === name && Math.hypot(x - dot.x, y - dot.y) < AGAIN_PX)) continue;
      for (const where of beside(dot, width, height)) {
        const boxes = boxesOf({ ...where, width, height });
        if (!boxes.every(taken.isFree)) continue;
        [spot, ...boxes].forEach(taken.take);
        drawn.push({ ...where, text: name, font, quiet: false, dot });
        break;
      }
    }
  }

  const widths = new Map();
  const ruler = document.createElement("canvas").getContext("2d");

  function widthOf(name, font) {
    const key = `${font} ${name}`;
    if (!widths.has(key)) {
      ruler.font = font;
      widths.set(key, ruler.measureText(name).width);
    }
    return widths.get(key);
  }

  /** What the names of wards and the numbers of stops take, in pixels of the canvas. */
  function takeOtherNames(map, taken, place) {
    const origin = map.getPixelOrigin();
    const x = origin.x - place.left, y = origin.y - place.top;
    for (const { left, top, right, bottom } of map.hexbeat.nameBoxes || []) {
      taken.take({ left: left + x, top: top + y, right: right + x, bottom: bottom + y });
    }
    map.eachLayer((layer) => {
      if (!(layer instanceof L.Marker) || layer.options.pane === "hexbeat-names") return;
      const at = map.latLngToLayerPoint(layer.getLatLng());
      const box = { left: at.x - MARKER_PX, top: at.y - MARKER_PX, right: at.x + MARKER_PX, bottom: at.y + MARKER_PX };
      taken.take({ left: box.left + x, top: box.top + y, right: box.right + x, bottom: box.bottom + y });
    });
  }

  /** The names that are drawn at this zoom, with their places and angles in pixels of the canvas. */
  Hexbeat.placeStreetNames = (map, geometry, place, size) => {
    const zoom = map.getZoom();
    const taken = Hexbeat.takenPlaces();
    takeOtherNames(map, taken, place);
    const drawn = [];
    for (const { part, kind, from, size: px, weight } of KINDS) {
      if (zoom < from) continue;
      const font = `${weight} ${px}px ${FONT}`;
      if (part === "points") {
        placePoints(geometry.points, { zoom, font, px, place, size, taken, drawn });
        continue;
      }
      const shapes = (geometry[part][kind] || []).filter((shape) => shape.name && Hexbeat.inView(shape, place, size));
      shapes.sort((a, b) => b.places.length - a.places.length);
      const quiet = part === "areas" || kind === "street" || kind === "path";
      for (const shape of shapes) {
        const width = widthOf(shape.name, font);
        for (const at of (part === "lines" ? stretches : middles)(shape, width, place)) {
          if (drawn.some(({ text, x, y }) => text === shape.name && Math.hypot(x - at.x, y - at.y) < AGAIN_PX)) continue;
          const boxes = boxesOf({ ...at, width, height: px + 2 });
          if (!boxes.every(taken.isFree)) continue;
          boxes.forEach(taken.take);
          drawn.push({ ...at, text: shape.name, font, quiet });
        }
        if (drawn.length >= MOST_NAMES) return drawn;
      }
    }
    return drawn;
  };

  Hexbeat.paintStreetName = (context, name) => {
    const { text, quiet, halo } = Hexbeat.isDark() ? COLOURS.dark : COLOURS.light;
    context.save();
    if (name.dot) {
      context.beginPath();
      context.arc(name.dot.x, name.dot.y, DOT_PX, 0, 2 * Math.PI);
      Object.assign(context, { fillStyle: text, strokeStyle: halo, lineWidth: 2 });
      context.stroke();
      context.fill();
    }
    context.translate(name.x, name.y);
    context.rotate(name.angle);
    Object.assign(context, { font: name.font, textAlign: "center", textBaseline: "middle", lineJoin: "round" });
    Object.assign(context, { strokeStyle: halo, lineWidth: 2.8, fillStyle: name.quiet ? quiet : text });
    context.strokeText(name.text, 0, 0);
    context.fillText(name.text, 0, 0);
    context.restore();
  };
})();
