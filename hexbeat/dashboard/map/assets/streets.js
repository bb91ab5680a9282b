/* The streets of an area on two canvases: water and green space under the cells; over them roads and railways, so faint that a
 * cell keeps its colour and one still sees the way through it, and names. What is drawn depends on the zoom. No more canvases
 * than needed: without a graphics card each costs time in every frame. The streets come in a script of their own, `Hexbeat.addStreets(id, {...})`, that a browser caches; a map does not wait for it.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const loaded = new Map();
  const waiting = new Map();
  const CHUNK = 64; // lines in one path: so few that a frame's budget is kept
  const CASED_FROM_PX = 1.4; // wider roads are a pale surface between two edges, which one sees on any colour
  const ROUND_FROM_PX = 6;
  const OPACITY = 0.5; // of roads and railways
  const LEAST_AREA_PX = 5;
  const PALE_PATHS_FROM_ZOOM = 15;

  // From which zoom a class is drawn, and how wide it is there and at zoom 12, 14, 16 and 18.
  const ROADS = {
    rail: { from: 11, widths: [0.8, 0.9, 1.2, 1.6, 2] },
    path: { from: 14.25, widths: [0.5, 0.5, 0.6, 1.1, 1.8] },
    street: { from: 12, widths: [0.35, 0.4, 1.2, 4, 11] },
    through: { from: 10, widths: [0.7, 1.2, 2, 6, 15] },
    main: { from: 7, widths: [0.9, 1.9, 3, 7.5, 18] },
  };
  const ORDER = Object.keys(ROADS);
  const STOPS = [10, 12, 14, 16, 18];
  const COLOURS = {
    light: { line: "#4a5866", path: "#5d6b78", surface: "#ffffff", water: "#d3e3ee", green: "#e6efe3" },
    dark: { line: "#a3afbb", path: "#8b97a3", surface: "#48535f", water: "#1f3140", green: "#202b26" },
  };

  /** Lines and rings as arrays of places on the unit Mercator square, each with its bounds. */
  function decode({ data, places = [] }) {
    const { origin, step, names } = data;
    const chain = (numbers, from) => {
      const places = new Float64Array(numbers.length - from);
      let lng = origin[0], lat = origin[1];
      let west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
      for (let k = from; k < numbers.length; k += 2) {
        lng += numbers[k] * step;
        lat += numbers[k + 1] * step;
        const [x, y] = Hexbeat.mercator(lng, lat);
        places[k - from] = x;
        places[k - from + 1] = y;
        west = Math.min(west, x), east = Math.max(east, x), north = Math.min(north, y), south = Math.max(south, y);
      }
      return { places, west, north, east, south };
    };
    const name = (number) => (number < 0 ? "" : names[number]);
    const lines = {}, areas = {};
    for (const [kind, rows] of Object.entries(data.lines)) {
      lines[kind] = rows.map((row) => ({ ...chain(row, 1), name: name(row[0]) }));
    }
    for (const [kind, rows] of Object.entries(data.areas)) {
      areas[kind] = rows.map(([number, ...rings]) => {
        const outlines = rings.map((ring) => chain(ring, 0));
        return { ...outlines[0], rings: outlines.map(({ places }) => places), name: name(number) };
      });
    }
    const points = places.map(([kind, text, lng, lat]) => ({ kind, name: text, at: Hexbeat.mercator(lng, lat) }));
    return { lines, areas, points };
  }

  Hexbeat.addStreets = (id, streets) => {
    loaded.set(id, decode(streets));
    for (const show of waiting.get(id) || []) show(loaded.get(id));
    waiting.delete(id);
  };

  /** Hand over the streets of an area: now, or when their script has come from `source`. */
  function whenLoaded({ id, source }, show) {
    if (loaded.has(id)) return show(loaded.get(id));
    if (waiting.has(id)) return waiting.get(id).push(show);
    waiting.set(id, [show]);
    if (!source) return undefined;
    const script = document.createElement("script");
    script.src = source;
    return document.head.append(script);
  }

  Hexbeat.inView = (shape, { scale, left, top }, size, margin = 0) =>
    shape.east * scale - left > -margin && shape.west * scale - left < size.x + margin &&
    shape.south * scale - top > -margin && shape.north * scale - top < size.y + margin;

  /** The width of a class of roads at a zoom, between the stops on a straight line; 0 where it is not drawn. */
  Hexbeat.roadWidth = (kind, zoom) => {
    const { from, widths } = ROADS[kind];
    if (zoom < from) return 0;
    const at = Math.max(0, Math.min(STOPS.length - 1.001, (zoom - STOPS[0]) / 2));
    const k = Math.floor(at);
    return widths[k] + (widths[k + 1] - widths[k]) * (at - k);
  };

  const colours = () => (Hexbeat.isDark() ? COLOURS.dark : COLOURS.light);

  /** A path through places, leaving out those that would lie within a pixel of the last one drawn. */
  function trace(context, places, { scale, left, top }) {
    let x = places[0] * scale - left, y = places[1] * scale - top;
    context.moveTo(x, y);
    const last = places.length - 2;
    for (let k = 2; k <= last; k += 2) {
      const toX = places[k] * scale - left, toY = places[k + 1] * scale - top;
      if (k < last && Math.abs(toX - x) < 1 && Math.abs(toY - y) < 1) continue;
      context.lineTo(toX, toY);
      x = toX, y = toY;
    }
  }

  /** Both canvases: `geometry` is what `decode` gives. */
  const StreetCanvas = Hexbeat.HexCanvas.extend({
    initialize(geometry, options) {
      L.setOptions(this, options);
      this.geometry = geometry;
    },

    onAdd(map) {
      Hexbeat.HexCanvas.prototype.onAdd.call(this, map);
      Hexbeat.onTheme(() => this._map && this._update());
    },

    _paintChunk(context, { lines, colour, width, dash, fill }, place) {
      context.beginPath();
      for (const { places, rings } of lines) {
        for (const ring of rings || [places]) trace(context, ring, place);
      }
      if (fill) {
        context.fillStyle = fill;
        context.fill("evenodd");
      }
      if (!width) return;
      Object.assign(context, { strokeStyle: colour, lineWidth: width, lineCap: dash || width < ROUND_FROM_PX ? "butt" : "round" });
      context.lineJoin = width < ROUND_FROM_PX ? "bevel" : "round"; // round ones take twice as long, and thin ones show none
      context.setLineDash(dash || []);
      context.stroke();
    },
  });

  function chunked(shapes, style) {
    const jobs = [];
    for (let from = 0; from < shapes.length; from += CHUNK) jobs.push({ lines: shapes.slice(from, from + CHUNK), ...style });
    return jobs;
  }

  const GroundCanvas = StreetCanvas.extend({
    _jobs(place, size) {
      const { lines, areas } = this.geometry;
      const large = (area) => Math.max(area.east - area.west, area.south - area.north) * place.scale > LEAST_AREA_PX;
      const seen = (shapes) => (shapes || []).filter((shape) => Hexbeat.inView(shape, place, size));
      const { green, water } = colours();
      const rivers = this._map.getZoom() < 12 ? 1 : 1.8;
      return [
        ...seen(areas.green).filter(large).map((area) => ({ lines: [area], fill: green })),
        ...chunked(seen(lines.water), { colour: water, width: rivers }),
        ...seen(areas.water).filter(large).map((area) => ({ lines: [area], fill: water })),
      ];
    },
  });

  const RoadCanvas = StreetCanvas.extend({
    getEvents() {
      return { ...StreetCanvas.prototype.getEvents.call(this), layeradd: this._makeRoom };
    },

    /** A stop that comes later takes the place of a name; many that come together cause one repaint. */
    _makeRoom({ layer }) {
      if (!(layer instanceof L.Marker)) return;
      clearTimeout(this._waiting);
      this._waiting = setTimeout(() => this._map && this._update(), 50);
    },

    _jobs(place, size) {
      const zoom = this._map.getZoom();
      const { line, path, surface } = colours();
      const edges = [], surfaces = [];
      for (const kind of ORDER) {
        const width = Hexbeat.roadWidth(kind, zoom);
        const seen = width ? (this.geometry.lines[kind] || []).filter((shape) => Hexbeat.inView(shape, place, size, width)) : [];
        if (kind === "path") {
          if (zoom >= PALE_PATHS_FROM_ZOOM) edges.push(...chunked(seen, { colour: surface, width: width + 1.4 }));
          edges.push(...chunked(seen, { colour: path, width }));
        } else if (kind === "rail") edges.push(...chunked(seen, { colour: line, width, dash: [6, 3] }));
        else if (width < CASED_FROM_PX) edges.push(...chunked(seen, { colour: line, width }));
        else {
          edges.push(...chunked(seen, { colour: line, width: width + (width < 4 ? 1.2 : 1.6) }));
          surfaces.push(...chunked(seen, { colour: surface, width }));
        }
      }
      this._place = () => Hexbeat.placeStreetNames(this._map, this.geometry, place, size);
      return [...edges, ...surfaces];
    },

    /** The names come last, on the canvas that is shown: they are not translucent as the roads below them are. */
    afterPaint() {
      if (!this._container) return;
      const context = this._container.getContext("2d");
      const ratio = this._container.width / parseFloat(this._container.style.width);
      this.names = this._place();
      this.paints = (this.paints || 0) + 1;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.names.forEach((name) => Hexbeat.paintStreetName(context, name));
    },
  });

  function addPane(map, name, zIndex) {
    const pane = map.createPane(name);
    pane.style.zIndex = zIndex;
    pane.style.pointerEvents = "none";
    pane.setAttribute("aria-hidden", "true");
  }

  Hexbeat.hasStreets = (id) => loaded.has(id);

  /** Draw the streets of `{ id, source, above }` on the map as soon as they are there, and their names. */
  Hexbeat.drawStreets = (map, streets) => {
    addPane(map, "hexbeat-land", 360);
    addPane(map, "hexbeat-streets", streets.above ? 402 : 395); // over the cells; over or under routes, circles and places
    whenLoaded(streets, (geometry) => {
      const { lines, areas } = geometry;
      if (lines.water || areas.water || areas.green) {
        new GroundCanvas(geometry, { pane: "hexbeat-land", className: "hexbeat-land" }).addTo(map);
      }
      map.hexbeat.streets = new RoadCanvas(geometry, { pane: "hexbeat-streets", className: "hexbeat-streets", opacity: OPACITY }).addTo(map);
    });
  };
})();
