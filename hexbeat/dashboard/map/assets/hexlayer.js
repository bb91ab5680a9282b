/* The layer of cells: takes the data of Python's HexLayer, shows the value under the pointer, reports a choice.
 *
 * One object for each layer id lives as long as the page. A rerun of Streamlit only hands it new data, so nothing
 * flickers and the zoom stays. The choice is reported as the chosen cell's centre: it needs no knowledge of which data
 * was on the screen, and Python turns it into the cell again.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const layers = new Map();

  const HexLayer = Hexbeat.HexCanvas.extend({
    setData(data) {
      this.data = data;
      const geometryText = JSON.stringify(data.geometry);
      if (this._geometryText !== geometryText) {
        this._geometryText = geometryText;
        this.geometry = Hexbeat.geometry(data.geometry);
        this.focused = -1;
      }
      const periods = data.frames ? data.frames.labels.length : 1;
      this.sent = Hexbeat.packedNumbers(data.values, data.bits, this.geometry.count * periods);
      this._sentClasses = this._findClasses();
      const around = (marks) => (marks ? Hexbeat.outerEdges(this.geometry, Hexbeat.bitReader(marks)) : []);
      this.edges = around(data.outlined);
      this.dashes = around(data.dashed);
      this.hatched = data.swatches ? data.swatches.indexOf("hatched") : -1;
      const names = JSON.stringify(data.frames && data.frames.labels);
      if (this._frameNames !== names) {
        this._frameNames = names;
        this.frame = data.frames ? data.frames.labels.length - 1 : 0; // the newest
      }
      this._takeFrame();
      this._forgetEarlierRuns();
      return this;
    },

    /** The values to draw: all that were sent, or those of one period. Nothing is drawn of one that is not known. */
    _takeFrame() {
      const { frames } = this.data;
      const { count } = this.geometry;
      const [from, to] = frames ? [this.frame * count, (this.frame + 1) * count] : [0, count];
      this.values = this.sent.subarray(from, to);
      this.classes = this._sentClasses.slice(from, to);
      if (frames && !frames.known[this.frame]) this.classes.fill(0);
    },

    showFrame(frame) {
      this.frame = frame;
      this._takeFrame();
      this._point(-1);
      this._update(true);
    },

    /** The class of each number that was sent. Numbers repeat, so that each is looked up in the breaks once. */
    _findClasses() {
      const known = new Map();
      const classes = new Uint8Array(this.sent.length);
      for (let k = 0; k < classes.length; k++) {
        const whole = this.sent[k];
        let found = known.get(whole);
        if (found === undefined) known.set(whole, (found = this._classOf(this._number(whole))));
        classes[k] = found;
      }
      return classes;
    },

    _number(whole) {
      return (whole + this.data.offset) / this.data.divisor;
    },

    _classOf(value) {
      const { breaks } = this.data;
      let k = 0;
      while (k < breaks.length && value >= breaks[k]) k++;
      return k;
    },

    /** streamlit-folium makes a feature group at each rerun and drops none: let go of those that are off the map. */
    _forgetEarlierRuns() {
      this._eventParents = {};
      if (window.feature_group && window.map) {
        window.feature_group = window.feature_group.filter((group) => window.map.hasLayer(group));
      }
    },

    onAdd(map) {
      Hexbeat.HexCanvas.prototype.onAdd.call(this, map);
      if (!this._legend) this._legend = Hexbeat.addLegend(map);
      this._showLegend();
      this._showFrames();
      this._showSelected();
      this._point(-1);
      Hexbeat.fit(map, this.data.fit);
      Hexbeat.showChosen(map, this.data.selected);
      this._showFound();
      Hexbeat.walkByKeys(map, this);
      this._askForNewerData();
      if (!this._themed) {
        this._themed = true;
        Hexbeat.onTheme(() => this._map && (this._showLegend(), this._update(true)));
      }
    },

    /** A rerun while the scripts were loading is lost on streamlit-folium; "ready" makes Streamlit send it again. */
    _askForNewerData() {
      if (!window.Streamlit || window.Hexbeat.askedAgain) return;
      window.Hexbeat.askedAgain = true;
      setTimeout(() => window.Streamlit.setComponentReady(), 0);
    },

    afterRemoval() {
      this._legend.remove();
      this._legend = null;
      if (this._frames) this._frames.remove();
      this._frames = null;
      for (const mark of [this._pointer, this._tooltip, this._selectedMark, this._found]) if (mark) mark.remove();
    },

    afterPaint(milliseconds) {
      this.paintedMs = milliseconds;
      Hexbeat.painted = { id: this.data.id, values: this.data.values, frame: this.frame, at: Date.now() };
    },

    getEvents() {
      const own = { click: this._onClick, mousemove: this._onHover, mouseout: () => this._point(-1) };
      return { ...Hexbeat.HexCanvas.prototype.getEvents.call(this), ...own };
    },

    colours() {
      return Hexbeat.isDark() ? this.data.dark : this.data.light;
    },

    lineColour() {
      return this.data.lines[Hexbeat.isDark() ? 1 : 0];
    },

    strongColours() {
      return Hexbeat.isDark() ? ["#ffffff", "#000000"] : ["#000000", "#ffffff"];
    },

    _showLegend() {
      const shown = new Set();
      for (const found of this._sentClasses) shown.add(found - 1);
      const lines = { outlinedLabel: this.edges.length && this.data.outlinedLabel, dashedLabel: this.dashes.length && this.data.dashedLabel };
      Hexbeat.fillLegend(this._legend, { ...this.data, ...lines }, this.colours(), shown);
      Hexbeat.clearLegend(this._map);
    },

    _showFrames() {
      if (!this.data.frames) {
        if (this._frames) this._frames.remove();
        this._frames = null;
        return;
      }
      if (!this._frames) this._frames = Hexbeat.addFrames(this._map, this);
      this._frames.update();
    },

    // What lies where

    cellAt(latlng) {
      const cell = this.geometry.hit(latlng);
      return cell >= 0 && this.classes[cell] ? cell : -1;
    },

    centreOf(cell) {
      const { centres } = this.geometry;
      return L.latLng(Hexbeat.unmercator(centres[cell * 2], centres[cell * 2 + 1]));
    },

    outlineOf(cell) {
      const { corners } = this.geometry;
      return [0, 2, 4, 6, 8, 10].map((k) => Hexbeat.unmercator(corners[cell * 12 + k], corners[cell * 12 + k + 1]));
    },

    /** "3", "0.4" or "0.1 or less", where counts are rounded "about 3" or "under 1"; or the name of the cell's class. */
    valueText(cell) {
      const name = this.data.names && this.data.names[this.classes[cell] - 1];
      if (name) return name;
      const value = this._number(this.values[cell]);
      if (this.data.rounded && value % 1) {
        return value < 1 ? "under 1" : `about ${Math.floor(value + 0.5).toLocaleString("en-GB")}`;
      }
      if (this.data.small && value === 1 / this.data.divisor) return `${value} or less`;
      const digits = this.data.divisor > 1 && !this.data.rounded ? 1 : 0;
      const sign = this.data.signed && value > 0 ? "+" : "";
      return sign + value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    },

    /** The cell's name by its streets, with its ward; where that was not sent, the ward. */
    placeOf(cell) {
      return (this.data.places && this.data.places[cell]) || Hexbeat.wardNameAt(this._map, this.centreOf(cell));
    },

    sentenceOf(cell) {
      const place = this.placeOf(cell);
      return `${place ? `${place}. ` : ""}${this.data.unit}: ${this.valueText(cell)}`;
    },

    // Pointing and choosing

    _onHover({ latlng }) {
      this._point(this.cellAt(latlng));
    },

    _onClick({ latlng }) {
      const cell = this.cellAt(latlng);
      if (cell >= 0) this.choose(cell);
    },

    /** Mark a cell and say what it holds; -1 for none. */
    _point(cell) {
      if (cell === this._pointed && this._pointer && this._map.hasLayer(this._pointer)) return;
      this._pointed = cell;
      if (cell < 0) {
        if (this._pointer) this._pointer.remove();
        if (this._tooltip) this._tooltip.remove();
        return;
      }
      const options = { pane: "hexbeat-marks", interactive: false, fill: false, className: "hexbeat-pointer" };
      this._pointer = (this._pointer || L.polygon([], options)).setLatLngs(this.outlineOf(cell)).addTo(this._map);
      this._tooltip = this._tooltip || L.tooltip({ direction: "top", className: "hexbeat-tooltip", opacity: 1 });
      this._tooltip.setContent(this._tooltipText(cell)).setLatLng(this._topOf(cell)).addTo(this._map);
    },

    _topOf(cell) {
      return L.latLng(Math.max(...this.outlineOf(cell).map(({ lat }) => lat)), this.centreOf(cell).lng);
    },

    _tooltipText(cell) {
      const box = Hexbeat.element("div");
      box.append(Hexbeat.element("b", "", this.valueText(cell)), Hexbeat.element("span", "", this.data.unit));
      const place = this.placeOf(cell);
      if (place) box.append(Hexbeat.element("small", "", place));
      return box;
    },

    choose(cell) {
      const centre = this.centreOf(cell);
      this.data.selected = this.outlineOf(cell).map(({ lat, lng }) => [lat, lng]);
      this._showSelected();
      Hexbeat.noteChosen(this._map, this.data.selected);
      Hexbeat.report(this, {
        type: "Feature",
        properties: { layer: this.data.id, resolution: this.data.resolution, event: Date.now() },
        geometry: { type: "Point", coordinates: [centre.lng, centre.lat] },
      });
    },

    /** The chosen cell keeps a ring, also where it holds nothing in this filter. */
    _showSelected() {
      if (this._selectedMark) this._selectedMark.remove();
      if (!this.data.selected) return;
      const ring = (className) =>
        L.polygon(this.data.selected, { pane: "hexbeat-marks", interactive: false, fill: false, className });
      this._selectedMark = L.layerGroup([ring("hexbeat-chosen-casing"), ring("hexbeat-chosen")]).addTo(this._map);
    },

    /** The place that the person looked for has a dot and its name. */
    _showFound() {
      if (this._found) this._found.remove();
      const mark = this.data.mark;
      if (!mark) return;
      const dot = { pane: "hexbeat-marks", interactive: false, radius: 8, className: "hexbeat-found" };
      const label = { permanent: true, direction: "top", offset: [0, -8], className: "hexbeat-tooltip", opacity: 1 };
      const name = Hexbeat.element("span", "", mark.name);
      this._found = L.circleMarker(mark.at, dot).bindTooltip(name, label).addTo(this._map);
      Hexbeat.goTo(this._map, mark);
    },

    toGeoJSON() {
      return this._choice;
    },
  });

  /** To Python. At once where streamlit-folium's state is as we know it; else by the click that it waits 250 ms for. */
  Hexbeat.report = (layer, choice) => {
    layer._choice = choice;
    const state = window.__GLOBAL_DATA__;
    const onlyChoices = state && (state.returned_objects || []).join() === "last_active_drawing";
    if (window.Streamlit && onlyChoices) {
      state.last_active_drawing = choice;
      state.previous_data = { last_active_drawing: choice };
      window.Streamlit.setComponentValue(state.previous_data);
      return;
    }
    layer.fire("click", { latlng: L.GeoJSON.coordsToLatLng(choice.geometry.coordinates), layer });
  };

  L.hexLayer = (data) => {
    if (!layers.has(data.id)) layers.set(data.id, new HexLayer());
    return layers.get(data.id).setData(data);
  };
  Hexbeat.layer = (id) => layers.get(id);
})();
