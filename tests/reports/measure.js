// Measures a page once it is laid out and all its charts are fitted; see `browser.View`.
async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60)));
  if (typeof charts !== "undefined") await charts;
  // A chart that is fitted to a narrower place is redrawn 100 ms after.
  for (let i = 0; i < 6; i++) await frame();

  const around = (element) => element.getBoundingClientRect();
  const named = (element) =>
    element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") +
    (element.classList.length ? `.${[...element.classList].join(".")}` : "");
  const shown = (element) =>
    element.checkVisibility({ contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true });
  const unseen = (element) => element.closest(".unseen") !== null;

  const sizes = {}, wide = [], cut = [];
  for (const plot of document.querySelectorAll(".plotly-graph-div")) {
    if (!shown(plot)) continue;
    const drawing = plot.querySelector(".main-svg");
    const box = drawing ? around(drawing) : { width: 0, height: 0 };
    const marks = plot.querySelectorAll(".trace, .hm, .bars path, .annotation").length;
    sizes[plot.id] = marks ? [box.width, box.height] : [0, 0];
    if (box.width > plot.parentElement.clientWidth + 1)
      wide.push(`${plot.id} is ${box.width} px wide in ${plot.parentElement.clientWidth}`);
  }

  // What of an element can be seen: its box within those of all that scroll or clip around it.
  const clipped = (box, element) => {
    let { left, top, right, bottom } = box;
    for (let around_ = element.parentElement; around_; around_ = around_.parentElement) {
      const style = getComputedStyle(around_);
      if (around_ === document.body || around_ instanceof SVGElement) continue;
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const by = around(around_);
      left = Math.max(left, by.left); right = Math.min(right, by.right);
      top = Math.max(top, by.top); bottom = Math.min(bottom, by.bottom);
    }
    return { left, top, right, bottom };
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style") || unseen(parent) || !shown(parent)) continue;
    const drawn = parent.closest("svg text");
    if (drawn) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      texts.push({ element: parent, text: node.data.trim(), ...clipped(box, parent) });
  }
  for (const text of document.querySelectorAll(".main-svg text")) {
    if (!text.textContent.trim() || !shown(text)) continue;
    const turned = text.getCTM();
    if (Math.abs(turned.b) > 0.02 && Math.abs(turned.a) > 0.02) continue; // a slanted box says little
    const box = around(text), plot = around(text.closest(".plotly-graph-div"));
    if (box.width < 1) continue;
    if (box.left < plot.left - 2 || box.right > plot.right + 2 || box.top < plot.top - 2 || box.bottom > plot.bottom + 2)
      cut.push(`${text.closest(".plotly-graph-div").id}: ${text.textContent}`);
    texts.push({
      element: text, text: text.textContent.trim(),
      left: box.left, top: box.top, right: box.right, bottom: box.bottom,
    });
  }

  const overlaps = [];
  const seen = texts.filter((each) => each.right - each.left > 1 && each.bottom - each.top > 1);
  seen.sort((a, b) => a.top - b.top);
  for (let i = 0; i < seen.length; i++) {
    const one = seen[i];
    for (let j = i + 1; j < seen.length && seen[j].top < one.bottom - 3; j++) {
      const other = seen[j];
      if (one.element === other.element) continue;
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - other.top;
      if (across > 2 && down > 4) {
        // A head that stays in place covers the rows that scroll below it: that is meant.
        if (one.element.closest("thead") || other.element.closest("thead")) continue;
        overlaps.push(`"${one.text.slice(0, 60)}" and "${other.text.slice(0, 60)}"`);
      }
    }
  }

  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    if (element instanceof SVGElement || unseen(element) || !shown(element)) continue;
    const box = clipped(around(element), element);
    if (box.right > document.documentElement.clientWidth + 1 && box.right - box.left > 1) wide.push(named(element));
  }

  const parsed = (colour) => {
    const numbers = (colour.match(/[\d.]+/g) || []).map(Number);
    return numbers.length < 3 ? null : { rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1 };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parsed(getComputedStyle(at).backgroundColor);
      if (found && found.alpha > 0.5) return found.rgb;
    }
    return [255, 255, 255];
  };
  const pale = new Set();
  for (const each of seen) {
    const style = getComputedStyle(each.element), drawn = each.element instanceof SVGElement;
    if (drawn && each.element.closest(".hm, .heatmaplayer, .bars, .hoverlayer")) continue; // on colours of their own
    const colour = parsed(drawn ? style.fill : style.color);
    if (!colour) continue;
    const [a, b] = [light(colour.rgb), light(behind(each.element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    if (contrast < (large ? 3 : 4.5)) pale.add(`${named(each.element)} "${each.text.slice(0, 40)}": ${contrast.toFixed(2)}`);
  }

  const images = [];
  for (const image of document.querySelectorAll(".pictures image")) {
    const copy = new Image();
    copy.src = image.getAttribute("href");
    images.push(await copy.decode().then(() => copy.naturalWidth, () => 0));
  }
  const sounds = [];
  for (const player of document.querySelectorAll("audio")) {
    if (!player.readyState) {
      await new Promise((done) => {
        player.addEventListener("loadedmetadata", done);
        player.addEventListener("error", done);
      });
    }
    sounds.push(player.duration);
  }
  const tables = [];
  for (const table of document.querySelectorAll("table")) {
    if (!shown(table)) continue;
    const rows = [...table.querySelectorAll("tbody tr")];
    const visible = rows.filter((row) => {
      const box = clipped(around(row), row);
      return box.bottom - box.top > 4;
    });
    tables.push([visible.length, rows.length]);
  }
  const root = document.documentElement;
  return {
    charts: sizes, over: root.scrollWidth - root.clientWidth, wide: [...new Set(wide)].slice(0, 20),
    overlaps: overlaps.slice(0, 20), cut: cut.slice(0, 20), pale: [...pale].slice(0, 20), images, sounds, tables,
  };
}
