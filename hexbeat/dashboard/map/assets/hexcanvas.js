/* Thousands of cells on one canvas: an L.Renderer that paints in chunks on a back buffer and shows it when complete.
 *
 * One path of 20,000 hexagons takes seven times as long as 300 paths of 64, and a frame's budget keeps the page alive.
 * Cells of a few pixels, of which there may be 100,000, are not drawn as paths: their pixels are set (`fillSmallCells`).
 * A subclass gives `geometry` (see lattice.js), `classes` (Uint8Array: 0 is not drawn, k is colour k - 1), `colours()`,
 * `lineColour()`, `hatched` (the colour that is hatched, -1 for none), and for the lines around hotspots and cold spots
 * `edges` and `dashes` (4 numbers each) and `strongColours()` (line, casing).
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const CHUNK = 64;
  const FRAME_MS = 8;
  const OPACITY_ON_TILES = 0.75;
  const THIN_FROM_PX = 5; // smaller cells are filled only: their lines would be all that one sees
  const SMALL_PX = 3.5; // cells whose corners are no further from the centre
  const WORLD_PX = 256;
  const HATCH_PX = 5;
  const LEAST_MARGIN = 0.1; // of the map's size: with less around the view the canvas is painted anew

  Hexbeat.HexCanvas = L.Renderer.extend({
    options: { padding: 0.3, pane: "hexbeat-cells", className: "hexbeat-canvas", opacity: 1 },

    onAdd(map) {
      this._map = map;
      clearTimeout(this._leaving);
      if (!this._container) this._makeCanvas();
      this.getPane().appendChild(this._container);
      this._update();
    },

    /** The canvas stays for one task: a rerun removes the layer and adds it again, and no blank frame is seen. */
    onRemove() {
      cancelAnimationFrame(this._frame);
      this._leaving = setTimeout(() => {
        this._container.remove();
        this._container = this._buffer = this._picture = null;
        this.afterRemoval();
      }, 0);
    },

    afterRemoval() {},

    getEvents() {
      const own = { move: this._onMove, moveend: this._onMoveEnd, resize: this._update };
      return { ...L.Renderer.prototype.getEvents.call(this), ...own };
    },

    _makeCanvas() {
      this._container = L.DomUtil.create("canvas", `${this.options.className} leaflet-zoom-animated`);
      this._container.setAttribute("aria-hidden", "true");
    },

    _onZoomEnd() {}, // Leaflet's own would project vector layers, of which there are none here

    /** A canvas that comes while the map zooms has nothing to move yet; it is painted at the end. */
    _updateTransform(centre, zoom) {
      if (this._center) L.Renderer.prototype._updateTransform.call(this, centre, zoom);
    },

    _reset() {
      this._update(true);
    },

    /** Whether what is painted is of this zoom and goes beyond the view, so that it need only be moved with the map. */
    _reaches() {
      if (!this._bounds || this._zoom !== this._map.getZoom()) return false;
      const size = this._map.getSize(), margin = size.multiplyBy(LEAST_MARGIN);
      const corner = this._map.containerPointToLayerPoint(margin.multiplyBy(-1));
      return this._bounds.contains(L.bounds(corner, corner.add(size).add(margin.multiplyBy(2))));
    },

    /** While a drag goes on the canvas is repainted before its margin is used up. */
    _onMove() {
      if (this._frame || this._map._animatingZoom || !this._bounds || this._reaches()) return;
      this._update();
    },

    _onMoveEnd() {
      if (!this._reaches()) this._update();
    },

    _update(atOnce) {
      const map = this._map;
      if (!map || map._animatingZoom || !this.geometry) return;
      const size = map.getSize();
      const margin = size.multiplyBy(this.options.padding);
      const corner = map.containerPointToLayerPoint(margin.multiplyBy(-1)).round();
      const bounds = L.bounds(corner, corner.add(size).add(margin.multiplyBy(2)).round());
      if (size.x > 0 && size.y > 0) this._paint({ bounds, centre: map.getCenter(), zoom: map.getZoom() }, atOnce === true);
    },

    _paint(view, atOnce) {
      cancelAnimationFrame(this._frame);
      const started = performance.now();
      const buffer = this._emptyBuffer(view.bounds.getSize());
      const place = this._placement(view);
      const jobs = this._jobs(place, view.bounds.getSize());
      const step = () => {
        this._frame = 0;
        const from = performance.now();
        while (jobs.length) {
          this._paintChunk(buffer, jobs.shift(), place);
          if (jobs.length && !atOnce && !Hexbeat.printing && performance.now() - from > FRAME_MS) {
            this._frame = requestAnimationFrame(step);
            return;
          }
        }
        this._show(buffer, view);
        this.afterPaint(performance.now() - started);
      };
      step();
    },

    afterPaint() {},

    /** The buffer of the last painting, empty: new memory would take as long as all the rest of a painting far out. */
    _emptyBuffer(size) {
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      const width = Math.round(size.x * ratio), height = Math.round(size.y * ratio);
      const canvas = (this._buffer = this._buffer || document.createElement("canvas"));
      const context = canvas.getContext("2d");
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.globalAlpha = 1;
      context.clearRect(0, 0, width, height);
      context.scale(ratio, ratio);
      context.lineJoin = "round";
      return context;
    },

    /** From the unit Mercator square to pixels of the buffer: x * scale - left, y * scale - top. */
    _placement({ bounds, zoom }) {
      const origin = this._map.getPixelOrigin().add(bounds.min);
      return { scale: WORLD_PX * 2 ** zoom, left: origin.x, top: origin.y };
    },

    /** Chunks of visible cells, by class, so that each chunk is one path of one colour; the strong line comes last. */
    _jobs({ scale, left, top }, size) {
      const { count, centres, corners } = this.geometry;
      const reach = count ? Math.hypot(corners[0] - centres[0], corners[1] - centres[1]) * scale * 1.1 : 0;
      const colours = this.colours();
      const buckets = colours.map(() => []);
      for (let cell = 0; cell < count; cell++) {
        if (!this.classes[cell]) continue;
        const x = centres[cell * 2] * scale - left, y = centres[cell * 2 + 1] * scale - top;
        if (x < -reach || y < -reach || x > size.x + reach || y > size.y + reach) continue;
        buckets[this.classes[cell] - 1].push(cell);
      }
      const line = { colour: this.lineColour(), width: reach > 2 * THIN_FROM_PX ? 0.9 : 0.5 };
      const thin = reach > THIN_FROM_PX ? line : null;
      const fills = colours.map((colour, k) => (k === this.hatched ? hatching(colour, line.colour) : colour));
      const small = reach <= SMALL_PX ? buckets.map((cells, k) => ({ cells, colour: colours[k] })) : [];
      const paths = small.length ? buckets.map((cells, k) => (k === this.hatched ? cells : [])) : buckets;
      const jobs = paths.flatMap((cells, k) => chunks(cells).map((chunk) => ({ cells: chunk, fill: fills[k], line: thin })));
      if (small.length) jobs.unshift({ small });
      return [...jobs, ...this._lines(this.dashes, reach, true), ...this._lines(this.edges, reach, false)];
    },

    /** A strong line in its casing along some edges. */
    _lines(along, reach, isDashed) {
      if (!along || !along.length) return [];
      const [strong, casing] = this.strongColours();
      const width = Math.max(1, Math.min(3, reach / 5));
      const around = width + Math.min(2, reach / 5);
      const dash = isDashed ? [reach / 4, reach / 4] : [];
      return [{ edges: { along, colour: casing, width: around, dash: [] } }, { edges: { along, colour: strong, width, dash } }];
    },

    /** The line around hotspots: all its edges at once, since they are few. */
    _paintEdges(context, { along: edges, colour, width, dash }, { scale, left, top }) {
      context.beginPath();
      for (let k = 0; k < edges.length; k += 4) {
        context.moveTo(edges[k] * scale - left, edges[k + 1] * scale - top);
        context.lineTo(edges[k + 2] * scale - left, edges[k + 3] * scale - top);
      }
      Object.assign(context, { globalAlpha: 1, lineCap: dash.length ? "butt" : "round", strokeStyle: colour, lineWidth: width });
      context.setLineDash(dash);
      context.stroke();
      context.setLineDash([]);
    },

    _paintChunk(context, { cells, fill, line, edges, small }, { scale, left, top }) {
      if (small) {
        const opacity = this._map.hexbeat.tiled ? OPACITY_ON_TILES : 1;
        this._picture = emptyPicture(context, this._picture);
        fillSmallCells(context, small, this.geometry.corners, { scale, left, top, opacity, picture: this._picture });
        return;
      }
      if (edges) {
        this._paintEdges(context, edges, { scale, left, top });
        return;
      }
      const { corners } = this.geometry;
      context.beginPath();
      for (const cell of cells) {
        const from = cell * 12;
        context.moveTo(corners[from] * scale - left, corners[from + 1] * scale - top);
        for (let k = from + 2; k < from + 12; k += 2) context.lineTo(corners[k] * scale - left, corners[k + 1] * scale - top);
        context.closePath();
      }
      context.globalAlpha = this._map.hexbeat.tiled ? OPACITY_ON_TILES : 1;
      context.fillStyle = fill;
      context.fill();
      if (line) {
        context.globalAlpha = 1;
        context.strokeStyle = line.colour;
        context.lineWidth = line.width;
        context.stroke();
      }
    },

    _show(buffer, { bounds, centre, zoom }) {
      const canvas = this._container;
      if (!canvas) return;
      const size = bounds.getSize();
      this._bounds = bounds;
      this._center = centre;
      this._zoom = zoom;
      canvas.width = buffer.canvas.width;
      canvas.height = buffer.canvas.height;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
      const context = canvas.getContext("2d");
      context.globalAlpha = this.options.opacity;
      context.drawImage(buffer.canvas, 0, 0);
      context.globalAlpha = 1;
      if (Hexbeat.printing) context.getImageData(0, 0, 1, 1); // or Chromium prints what it noted of the buffer: nothing
      L.DomUtil.setPosition(canvas, bounds.min);
      if (this._map._zoomAnimated) this._updateTransform(this._map.getCenter(), this._map.getZoom());
    },
  });

  /** The edges of some cells that only one of them has: the line around them all. Cells share corners to 1e-9. */
  Hexbeat.outerEdges = ({ count, corners }, isMember) => {
    const once = new Map();
    for (let cell = 0; cell < count; cell++) {
      if (!isMember(cell)) continue;
      for (let k = 0; k < 12; k += 2) {
        const from = cell * 12 + k, to = cell * 12 + ((k + 2) % 12);
        const edge = [corners[from], corners[from + 1], corners[to], corners[to + 1]];
        const name = `${Math.round((edge[0] + edge[2]) * 1e8)},${Math.round((edge[1] + edge[3]) * 1e8)}`;
        if (!once.delete(name)) once.set(name, edge);
      }
    }
    return [...once.values()].flat();
  };

  /** The pixels of the last painting, empty: new memory takes longer, as for the buffer. */
  function emptyPicture(context, last) {
    const { width, height } = context.canvas;
    if (!last || last.width !== width || last.height !== height) return context.createImageData(width, height);
    last.data.fill(0);
    return last;
  }

  /** Sets the pixels whose middle lies in a cell. Cells tile the plane: each pixel has one cell, and none is left out. */
  function fillSmallCells(context, buckets, corners, { scale, left, top, opacity, picture }) {
    const { width, height } = picture;
    const ratio = context.getTransform().a;
    const pixels = new Uint32Array(picture.data.buffer);
    const x = new Float64Array(7), y = new Float64Array(7);
    for (const { cells, colour } of buckets) {
      const ink = pixelOf(colour, opacity);
      for (const cell of cells) {
        let least = Infinity, most = -Infinity;
        for (let k = 0; k < 6; k++) {
          x[k] = (corners[cell * 12 + k * 2] * scale - left) * ratio - 0.5;
          y[k] = (corners[cell * 12 + k * 2 + 1] * scale - top) * ratio - 0.5;
          if (y[k] < least) least = y[k];
          if (y[k] > most) most = y[k];
        }
        x[6] = x[0];
        y[6] = y[0];
        const end = Math.min(height, Math.ceil(most));
        for (let row = Math.max(0, Math.ceil(least)); row < end; row++) {
          let from = Infinity, to = -Infinity;
          for (let k = 0; k < 6; k++) {
            if (y[k] <= row === y[k + 1] <= row) continue;
            const at = x[k] + ((row - y[k]) * (x[k + 1] - x[k])) / (y[k + 1] - y[k]);
            if (at < from) from = at;
            if (at > to) to = at;
          }
          const first = Math.max(0, Math.ceil(from)), last = Math.min(width, Math.ceil(to));
          if (first < last) pixels.fill(ink, row * width + first, row * width + last);
        }
      }
    }
    context.putImageData(picture, 0, 0);
  }

  /** A colour ("#rrggbb") as ImageData has it on machines whose lowest byte comes first, as wherever browsers run. */
  function pixelOf(colour, opacity) {
    const [red, green, blue] = [1, 3, 5].map((from) => parseInt(colour.slice(from, from + 2), 16));
    return ((Math.round(opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }

  /** A fill of thin diagonal lines on a colour, sharp on every screen. */
  function hatching(colour, line) {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const size = HATCH_PX * ratio;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, size, size);
    context.strokeStyle = line;
    context.lineWidth = ratio;
    context.beginPath();
    for (const shift of [-size, 0, size]) {
      context.moveTo(shift, size);
      context.lineTo(shift + size, 0);
    }
    context.stroke();
    const pattern = context.createPattern(canvas, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / ratio));
    return pattern;
  }

  function chunks(cells) {
    const made = [];
    for (let from = 0; from < cells.length; from += CHUNK) made.push(cells.slice(from, from + CHUNK));
    return made;
  }
})();
