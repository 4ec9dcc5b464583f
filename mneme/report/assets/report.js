// Draws the figures of the report with Chart.js. Reads them from the page's own JSON; asks the network for nothing.
"use strict";

(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 2], [1, 4], [8, 2, 2, 2, 2, 2]];
  const markers = ["circle", "rectRot", "triangle", "rect", "star", "crossRot", "cross", "rectRounded"];
  const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");
  let charts = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (value, decimals) => value.toLocaleString("en", {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals
  });

  /** Vertical lines where events begin, with their names above the plot as far as there is room. */
  const boundaries = {
    id: "boundaries",
    beforeDatasetsDraw(chart, _args, options) {
      const { ctx, chartArea: area, scales: { x } } = chart;
      const marks = options.marks || [];
      ctx.save();
      ctx.font = `14px ${Chart.defaults.font.family}`;
      ctx.fillStyle = colour("--soft");
      ctx.strokeStyle = colour("--soft");
      ctx.setLineDash([3, 4]);
      marks.forEach((mark, i) => {
        const left = Math.max(x.getPixelForValue(mark.x), area.left);
        const right = i + 1 < marks.length ? x.getPixelForValue(marks[i + 1].x) : chart.width;
        if (left > area.left + 1) {
          ctx.beginPath();
          ctx.moveTo(left, area.top - 18);
          ctx.lineTo(left, area.bottom);
          ctx.stroke();
        }
        const label = shorten(ctx, mark.label, right - left - 12);
        ctx.fillText(label, left + 6, area.top - 8);
      });
      ctx.restore();
    }
  };

  function shorten(ctx, text, room) {
    if (ctx.measureText(text).width <= room) return text;
    const event = text.replace(/^(learn|forget) /, "");
    for (let keep = event.length; keep > 1; --keep) {
      const shorter = keep < event.length ? event.slice(0, keep) + "…" : event;
      if (ctx.measureText(shorter).width <= room) return shorter;
    }
    return "";
  }

  /** From the lowest to the highest seed, over each bar. */
  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart) {
      const { ctx, scales: { y } } = chart;
      ctx.save();
      ctx.strokeStyle = colour("--ink");
      ctx.lineWidth = 1.5;
      chart.data.datasets.forEach((dataset, d) => {
        if (!chart.isDatasetVisible(d) || !dataset.ranges) return;
        chart.getDatasetMeta(d).data.forEach((bar, i) => {
          const range = dataset.ranges[i];
          if (!range || range[0] === range[1]) return;
          const low = y.getPixelForValue(range[0]), high = y.getPixelForValue(range[1]);
          ctx.beginPath();
          ctx.moveTo(bar.x, low);
          ctx.lineTo(bar.x, high);
          ctx.moveTo(bar.x - 4, low);
          ctx.lineTo(bar.x + 4, low);
          ctx.moveTo(bar.x - 4, high);
          ctx.lineTo(bar.x + 4, high);
          ctx.stroke();
        });
      });
      ctx.restore();
    }
  };

  /** Where both axes would be equal: a dotted line over the whole plot. */
  const diagonal = {
    id: "diagonal",
    beforeDatasetsDraw(chart, _args, options) {
      if (!options.shown) return;
      const { ctx, scales: { x, y } } = chart;
      ctx.save();
      ctx.strokeStyle = colour("--soft");
      ctx.setLineDash([2, 4]);
      ctx.beginPath();
      ctx.moveTo(x.getPixelForValue(0), y.getPixelForValue(0));
      ctx.lineTo(x.getPixelForValue(1), y.getPixelForValue(100));
      ctx.stroke();
      ctx.restore();
    }
  };

  /** The name of each point beside it, where there is room; the tooltip and the table have all. */
  const names = {
    id: "names",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area } = chart;
      const taken = chart.data.datasets.map((_, d) => chart.getDatasetMeta(d).data[0]).filter(Boolean)
        .map((p) => ({ left: p.x - 5, right: p.x + 5, top: p.y - 5, bottom: p.y + 5 }));
      const free = (box) => box.left >= area.left && box.right <= chart.width && box.top >= area.top - 8 && box.bottom <= area.bottom &&
        taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
      ctx.save();
      ctx.font = `14px ${Chart.defaults.font.family}`;
      ctx.fillStyle = colour("--ink");
      ctx.textBaseline = "middle";
      chart.data.datasets.forEach((dataset, d) => {
        const point = chart.getDatasetMeta(d).data[0];
        if (!point || !chart.isDatasetVisible(d)) return;
        const room = ctx.measureText(dataset.label).width;
        const place = [[9, 0], [-9 - room, 0], [-room / 2, -15], [-room / 2, 15], [7, -13], [7, 13], [-7 - room, -13], [-7 - room, 13]]
          .map(([dx, dy]) => ({ left: point.x + dx, right: point.x + dx + room, top: point.y + dy - 8, bottom: point.y + dy + 8 }))
          .find(free);
        if (!place) return;
        taken.push(place);
        ctx.fillText(dataset.label, place.left, (place.top + place.bottom) / 2);
      });
      ctx.restore();
    }
  };

  function scatterDatasets(figure) {
    return figure.series.map((series, place) => ({
      label: series.label, data: series.points.map((p) => ({ x: p[0], y: p[1] })), series: place,
      backgroundColor: colour(`--c${series.colour % 8}`), borderColor: colour(`--c${series.colour % 8}`),
      pointStyle: markers[Math.floor(series.colour / 8 + series.colour) % 8], pointRadius: 5, pointHoverRadius: 7, clip: 8,
      ranges: series.points.map((p) => [p[2], p[3]])
    }));
  }

  /** A mean line per series and, where seeds differ, a band from the lowest to the highest. */
  function lineDatasets(figure) {
    return figure.series.flatMap((series, place) => {
      const tone = colour(`--c${series.colour % 8}`);
      const style = series.colour % 8;
      const points = (k) => series.points.map((p) => ({ x: p[0], y: p[k] }));
      const edge = { order: figure.series.length, borderWidth: 0, pointRadius: 0, pointHitRadius: 0, band: true, series: place, backgroundColor: tone + "2b" };
      const mean = {
        label: series.label, data: points(1), series: place, order: -place, clip: 6, borderColor: tone, backgroundColor: tone, borderWidth: 2,
        borderDash: dashes[style], pointStyle: markers[style], pointRadius: series.points.length > 14 ? 0 : 3.5,
        pointHitRadius: 8, tension: 0, ranges: series.points.map((p) => [p[2], p[3]])
      };
      if (series.points.every((p) => p[2] === p[3])) return [mean];
      return [mean, { ...edge, data: points(2), fill: false }, { ...edge, data: points(3), fill: "-1" }];
    });
  }

  function barDatasets(figure) {
    return figure.series.map((series, place) => {
      const data = figure.categories.map(() => null), ranges = figure.categories.map(() => null);
      series.points.forEach((p) => { data[p[0]] = p[1]; ranges[p[0]] = [p[2], p[3]]; });
      return {
        label: series.label, data, series: place,
        backgroundColor: colour(`--c${series.colour % 8}`) + (figure.kind === "stack" ? "b0" : ""),
        borderColor: colour("--page"), borderWidth: figure.kind === "stack" ? 1 : 0, borderSkipped: false,
        maxBarThickness: figure.kind === "stack" ? 30 : 44, ranges: figure.kind === "bars" ? ranges : null
      };
    });
  }

  function config(figure) {
    const scatter = figure.kind === "scatter", lines = figure.kind === "lines", stack = figure.kind === "stack", named = figure.categories.length > 0;
    const text = colour("--soft"), grid = colour("--grid");
    const value = {
      beginAtZero: figure.fromZero, max: figure.diagonal ? 100 : undefined, stacked: stack, grid: { color: grid, borderColor: grid },
      ticks: { color: text, maxTicksLimit: 7 }, title: { display: stack, text: figure.yLabel, color: text }
    };
    const along = {
      type: scatter && figure.logX ? "logarithmic" : lines || scatter ? "linear" : "category", stacked: stack, grid: { display: false, borderColor: colour("--line") },
      ticks: { color: text, maxRotation: lines || scatter || stack ? 0 : 60, autoSkipPadding: 16, maxTicksLimit: lines && !named ? 7 : 40 },
      title: { display: lines || scatter, text: figure.xLabel, color: text }
    };
    if (scatter && !figure.logX) along.beginAtZero = true;
    if (scatter && figure.logX) along.ticks.callback = (x) => /^[125]0*$/.test(String(x).replace(/^0\.0*/, "")) ? x : null;
    if (lines) {
      const ends = figure.series.flatMap((s) => [s.points[0][0], s.points[s.points.length - 1][0]]);
      along.min = Math.min(...ends, ...figure.boundaries.map((mark) => mark.x));
      along.max = Math.max(...ends);
      if (figure.diagonal) Object.assign(along, { min: 0, max: 1 });
      if (named) Object.assign(along.ticks, { stepSize: 1, callback: (place) => figure.categories[place] });
    }
    const shown = (chart, place) => chart.data.datasets.findIndex((d) => d.series === place && !d.band);
    return {
      type: scatter ? "scatter" : lines ? "line" : "bar",
      data: {
        labels: lines || scatter ? undefined : figure.categories,
        datasets: (scatter ? scatterDatasets : lines ? lineDatasets : barDatasets)(figure)
      },
      plugins: scatter ? [names] : lines ? [diagonal, boundaries] : stack ? [] : [whiskers],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, indexAxis: stack ? "y" : "x",
        layout: { padding: { top: lines && !figure.diagonal ? 26 : scatter ? 10 : 6, right: scatter ? 24 : 8 } },
        interaction: { mode: lines || scatter ? "nearest" : "index", axis: scatter ? "xy" : stack ? "y" : "x", intersect: false },
        scales: stack ? { x: value, y: along } : { x: along, y: value },
        plugins: {
          boundaries: { marks: figure.boundaries },
          diagonal: { shown: figure.diagonal },
          legend: {
            display: !scatter,
            position: "bottom", align: "start",
            labels: {
              color: colour("--ink"), boxWidth: lines ? 30 : 12, boxHeight: lines ? 0 : 12, padding: 14,
              sort: (a, b) => a.datasetIndex - b.datasetIndex,
              filter: (item, data) => !data.datasets[item.datasetIndex].band
            },
            onClick(_event, item, legend) {
              const chart = legend.chart, place = chart.data.datasets[item.datasetIndex].series;
              const visible = !chart.isDatasetVisible(shown(chart, place));
              chart.data.datasets.forEach((d, i) => { if (d.series === place) chart.setDatasetVisibility(i, visible); });
              chart.update();
            }
          },
          tooltip: {
            filter: (item) => !item.dataset.band,
            callbacks: {
              title: (items) => !items.length ? "" : 
                lines || scatter ? `${figure.xLabel}: ${named ? figure.categories[items[0].parsed.x] : number(items[0].parsed.x, figure.xDecimals)}` : items[0].label,
              label(item) {
                const range = item.dataset.ranges && item.dataset.ranges[item.dataIndex];
                const mean = number(stack ? item.parsed.x : item.parsed.y, figure.decimals);
                const spread = range && range[0] !== range[1]
                  ? ` (${number(range[0], figure.decimals)} – ${number(range[1], figure.decimals)})` : "";
                return ` ${item.dataset.label}: ${mean}${spread}`;
              }
            }
          }
        }
      }
    };
  }

  function draw() {
    charts.forEach((chart) => chart.destroy());
    charts = [...document.querySelectorAll("canvas[data-figure]")].map((canvas) =>
      new Chart(canvas, config(figures[canvas.dataset.figure])));
  }

  Chart.defaults.font.size = 14;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  draw();
  darkScheme.addEventListener("change", draw);
  const onPaper = (paper) => () => {
    document.documentElement.classList.toggle("paper", paper);
    if (darkScheme.matches) draw();
  };
  window.addEventListener("beforeprint", onPaper(true));
  window.addEventListener("afterprint", onPaper(false));
})();
