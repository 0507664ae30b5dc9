// What a reader of the report sees, as the browser has laid it out. Told to the page around it.
addEventListener("load", () => {
  const rounded = box => ({ width: Math.round(box.width), height: Math.round(box.height) });
  const within = (inner, outer) =>
    inner.left >= outer.left - 2 && inner.right <= outer.right + 2 &&
    inner.top >= outer.top - 2 && inner.bottom <= outer.bottom + 2;
  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;

  const curves_of = svg => [...svg.querySelectorAll("g[id*='_plot_']")].map(group => {
    const box = group.getBoundingClientRect();
    return {
      name: group.querySelector("title").textContent,
      marks: group.querySelectorAll("use").length,
      bars: group.querySelectorAll("polygon").length,
      drawn: box.width > 3 && box.height > 0,
      within: within(box, svg.getBoundingClientRect()),
    };
  });

  const texts_of = svg => {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter(text => text.textContent.trim());
    const boxes = texts.map(text => text.getBoundingClientRect());
    const names = texts.map(text => text.textContent);
    const cut = names.filter((_, i) => !within(boxes[i], frame));
    const overlapping = [];
    for (let i = 0; i < boxes.length; ++i) {
      for (let j = 0; j < i; ++j) {
        if (overlap(boxes[i], boxes[j])) overlapping.push(names[j] + " and " + names[i]);
      }
    }
    return { names, cut, overlapping, color: texts.length ? getComputedStyle(texts[0]).fill : "" };
  };

  const figures = {};
  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector(":scope > svg");
    figures[figure.id] = {
      label: figure.getAttribute("aria-label"),
      legend: [...figure.querySelectorAll(".legend li")].map(entry => entry.textContent),
      rows: figure.querySelectorAll("tbody tr").length,
      size: rounded(svg.getBoundingClientRect()),
      curves: curves_of(svg),
      texts: texts_of(svg),
    };
  }
  const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
  const outside = [...document.querySelectorAll("[src], [href], link, object, embed")]
    .map(element => element.getAttribute("src") || element.getAttribute("href") || element.tagName);
  const links = [...document.querySelectorAll("use")].map(use => use.getAttribute("xlink:href"));
  const found = {
    errors: window.errors,
    width: innerWidth,
    scroll_width: document.documentElement.scrollWidth,
    doubled_ids: ids.filter((id, i) => ids.indexOf(id) !== i),
    outside: outside.filter(address => !address.startsWith("#")),
    dangling: links.filter(link => !document.getElementById(link.slice(1))),
    answer: [...document.querySelectorAll("#answer li")].map(item => item.textContent),
    color: getComputedStyle(document.body).color,
    background: getComputedStyle(document.body).backgroundColor,
    hacked: window.hacked === undefined ? "" : String(window.hacked),
    figures,
  };
  const text = JSON.stringify(found).replace(
    /[<>&\u00a0]/g, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  parent.postMessage(text, "*");
});
