/* The public map: the places of a release on the base map of the other maps, coloured by their published numbers.
 * A tap, or Alt with an arrow key, shows the number of a place in words. Nothing is loaded and nothing is reported.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const { rings, sides, middle, onward } = HexbeatShapes;
  const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const LEAST_FRAME_PX = 200; // a frame that is still being opened is lower
  const PATTERN_SCALE = 0.45; // they are drawn for the units of the page that needs no server
  const NEAR_ZOOM = 14;
  const SVG = "http://www.w3.org/2000/svg";
  const releases = new Map();
  const names = new Map();
  const layers = new Map();

  /** The outlines of a release, in a script of their own that a browser keeps. Corners are whole units of a plane. */
  Hexbeat.addRelease = (id, release) => {
    const [west, north, wide, high, padding] = release.frame;
    const toLatLng = ([x, y]) => [north - (y - padding) / high, west + (x - padding) / wide];
    releases.set(id, { ...release, toLatLng });
    const wards = release.wards.map(({ name, at, outline }) => {
      const polygon = rings(outline).map((ring) => ring.map((corner) => toLatLng(corner).reverse()));
      const [lngs, lats] = [0, 1].map((axis) => polygon.flat().map((corner) => corner[axis]));
      const box = { west: Math.min(...lngs), east: Math.max(...lngs), south: Math.min(...lats), north: Math.max(...lats) };
      return { name, at: toLatLng(at).reverse(), polygons: [polygon], ...box };
    });
    Hexbeat.addWards(id, { title: release.title, attribution: release.attribution, bounds: release.bounds, wards });
  };

  /** The names that readers may look for, in a script of their own that a browser keeps. */
  Hexbeat.addNames = (id, data) => names.set(id, HexbeatSearch.unpack(data, data.titles));

  /** The map's script calls this: it draws everything except the places. */
  Hexbeat.publicMap = (map, { id, tiles, attribution }) => {
    const streets = Hexbeat.hasStreets(id) ? { id, above: true } : null;
    Hexbeat.base(map, { wards: id, view: null, streets, tiles, attribution });
    map.hexbeat.release = releases.get(id);
    addPatterns(map, map.hexbeat.release.patterns);
    if (!names.has(id)) keepInFrame(map, null);
    keepStillOnFocus(map.getContainer());
  };

  /** Leaflet takes the focus when a finger comes down. If the page scrolled then, the tap would miss its place. */
  function keepStillOnFocus(container) {
    container.focus = () => HTMLElement.prototype.focus.call(container, { preventScroll: true });
  }

  function addPatterns(map, patterns) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "hp-patterns");
    svg.setAttribute("aria-hidden", "true");
    svg.innerHTML = `<defs>${patterns}</defs>`; // ours: view.py
    for (const pattern of svg.querySelectorAll("pattern")) {
      pattern.setAttribute("patternTransform", `${pattern.getAttribute("patternTransform") || ""} scale(${PATTERN_SCALE})`);
    }
    map.getContainer().append(svg);
  }

  /** The map has what the frame has, less the search box: a phone's frame is lower than streamlit-folium was asked for. */
  function keepInFrame(map, box) {
    const container = map.getContainer();
    const limit = () => {
      const room = window.innerHeight - (box ? box.offsetHeight : 0);
      const wanted = room > LEAST_FRAME_PX && parseFloat(container.style.height) > room ? `${room}px` : "";
      if (container.style.maxHeight === wanted) return;
      container.style.maxHeight = wanted;
      map.invalidateSize();
    };
    limit();
    window.addEventListener("resize", limit);
    if (box) new ResizeObserver(limit).observe(box);
  }

  const BlockLayer = L.Layer.extend({
    setData(data) {
      const anew = !this.data || this.data.set !== data.set;
      const changed = anew || this.data.view !== data.view;
      this.data = data;
      if (changed) [this._chosen, this._isAnswered] = [-1, false];
      if (this._ground) this._draw(anew);
      return this;
    },

    /** Drawn once; a rerun removes the layer and adds it again, and only what has changed is done anew. */
    onAdd(map) {
      if (!this._ground) {
        this._map = map;
        this._ground = map;
        this._makeSpeech();
        this._makeSearch();
        this._listen();
        this._draw(true);
      }
      if (window.feature_group) window.feature_group = window.feature_group.filter((group) => map.hasLayer(group));
      this._askForNewerData();
    },

    onRemove() {},

    /** A rerun while the scripts were loading is lost on streamlit-folium; "ready" makes Streamlit send it again. */
    _askForNewerData() {
      if (!window.Streamlit || Hexbeat.askedAgain) return;
      Hexbeat.askedAgain = true;
      setTimeout(() => window.Streamlit.setComponentReady(), 0);
    },

    _draw(anew) {
      const map = this._ground;
      if (anew) this._drawPlaces(map);
      this._places.forEach((place, k) => place._path.setAttribute("class", `leaflet-interactive hp-place hp-${this.data.fills[k]}`));
      const lines = this._lines(sides(this._rings, this.data.owners));
      for (const drawn of [this._gaps, this._borders]) drawn.setLatLngs(lines);
      const ward = this.data.here ? rings(this.data.here) : [];
      this._here.setLatLngs(ward.map((ring) => [...ring, ring[0]].map(map.hexbeat.release.toLatLng)));
      this._name(map.getContainer());
      if (!this._isAnswered) this._say();
      Hexbeat.fit(map, this.data.fit);
      Hexbeat.painted = { view: this.data.view, at: Date.now() };
    },

    _drawPlaces(map) {
      for (const old of [...(this._places || []), this._gaps, this._borders, this._here, this._ring, this._casing]) if (old) old.remove();
      const release = map.hexbeat.release;
      this._rings = release.sets[this.data.set].map(rings);
      this._middles = this._rings.map(middle);
      const options = { stroke: false, fillOpacity: 1, className: "hp-place", smoothFactor: 0 };
      this._places = this._rings.map((place, k) => {
        const polygon = L.polygon(place.map((ring) => ring.map(release.toLatLng)), options).addTo(map);
        return polygon.on("click", () => this._choose(k));
      });
      const line = (className, pane = "hexbeat-marks") =>
        L.polyline([], { pane, interactive: false, className, smoothFactor: 0 }).addTo(map);
      this._gaps = line("hp-gaps", "overlayPane");
      this._borders = line("hp-borders", "overlayPane");
      this._here = line("hp-ward hp-here");
      this._casing = line("hp-casing");
      this._ring = line("hp-chosen");
    },

    _lines(found) {
      const { toLatLng } = this._ground.hexbeat.release;
      return found.map((ends) => ends.map(toLatLng));
    },

    /** What the map is called, for those who do not see it: on the map, and on the frame around it. */
    _name(container) {
      const keys = "Arrow keys move it, plus and minus zoom, Alt with arrow keys goes from place to place and says the number.";
      container.setAttribute("aria-label", `${this.data.title} ${keys}`);
      document.title = this.data.title;
      try {
        if (window.frameElement) window.frameElement.title = this.data.title;
      } catch {
        // framed by another site: that site names it
      }
    },

    _makeSpeech() {
      this._speech = Hexbeat.element("p", "hp-said");
      this._speech.setAttribute("role", "status");
      Hexbeat.addControl(this._ground, "bottomleft", this._speech);
    },

    /** The box stands above the map, so that neither it nor its answer covers the town. */
    _makeSearch() {
      const entries = names.get(this.data.release);
      if (!entries) return;
      const box = HexbeatSearch.box(entries, (entry) => this._goTo(entry));
      this._ground.getContainer().before(box);
      keepInFrame(this._ground, box);
    },

    /** What a reader looked for: the number of the block around it, which is returned, or its ward; null: nothing. */
    _goTo(entry) {
      if (!entry) {
        this._choose(-1);
        return "";
      }
      const { label, ward, leaf } = entry;
      const map = this._ground;
      const index = leaf[this.data.set] ?? -1;
      [this._chosen, this._isAnswered] = [index, index >= 0];
      this._say();
      if (index < 0) {
        const areas = map.hexbeat.area.wards;
        const found = areas.find(({ name }) => name === names.get(this.data.release).find((one) => one.ward === ward).label);
        if (found) map.fitBounds([[found.south, found.west], [found.north, found.east]], { animate: false });
        return "";
      }
      const { owners, around } = this.data;
      this._speech.hidden = true; // said once, under the box
      const { toLatLng } = map.hexbeat.release;
      map.setView(toLatLng(this._middles[index]), Math.max(map.getZoom(), NEAR_ZOOM), { animate: false });
      return `Around ${label}: ${around.at(owners[index])}`; // the last one: nothing is published
    },

    _choose(place) {
      [this._chosen, this._isAnswered] = [place, false];
      this._say();
      if (place >= 0) this._speech.scrollIntoView({ block: "nearest" }); // on a phone the map's foot may be out of sight
    },

    /** Ring what belongs to the chosen place's number, and say that number. An answer under the box is then an old one. */
    _say() {
      document.querySelector(".hp-found")?.replaceChildren();
      this._speech.hidden = false;
      const { owners, words, hint, nothing } = this.data;
      const block = this._chosen < 0 ? -1 : owners[this._chosen];
      const only = this._chosen < 0 ? [] : block < 0 ? [this._rings[this._chosen]] : this._rings;
      const around = block < 0 ? sides(only, [0]) : sides(only, owners, block);
      for (const ring of [this._casing, this._ring]) ring.setLatLngs(this._lines(around));
      this._speech.textContent = this._chosen < 0 ? hint : block < 0 ? nothing : words[block];
      this._speech.classList.toggle("hp-quiet", this._chosen < 0);
    },

    _listen() {
      const container = this._ground.getContainer();
      const onKey = (event) => {
        if (event.target !== container) return;
        if (event.key === "Escape") this._choose(-1);
        if (!event.altKey || !(event.key in DIRECTIONS)) return;
        event.preventDefault();
        event.stopPropagation();
        this._walk(DIRECTIONS[event.key]);
      };
      container.addEventListener("keydown", onKey, { capture: true });
    },

    _walk(arrow) {
      const map = this._ground;
      const { frame, toLatLng } = map.hexbeat.release;
      const { lat, lng } = map.getCenter();
      const point = [(lng - frame[0]) * frame[2] + frame[4], (frame[1] - lat) * frame[3] + frame[4]];
      const next = onward(this._middles, this.data.owners, this._chosen, point, arrow);
      if (next < 0) return;
      this._choose(next);
      const centre = L.latLng(toLatLng(this._middles[next]));
      if (!map.getBounds().pad(-0.15).contains(centre)) map.panTo(centre);
    },
  });

  L.blockLayer = (data) => {
    if (!layers.has(data.release)) layers.set(data.release, new BlockLayer());
    return layers.get(data.release).setData(data);
  };
  Hexbeat.blockLayer = (id) => layers.get(id);
})();
