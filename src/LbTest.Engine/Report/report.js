// Draws the charts of the page from the JSON in it. Nothing of a result ever becomes markup here: text goes into text nodes.
(() => {
  'use strict';

  const data = JSON.parse(document.getElementById('chart-data').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 });

  const color = name => getComputedStyle(document.documentElement).getPropertyValue(/^\d+$/.test(name) ? `--c${name}` : `--${name}`).trim();

  const bytes = rate => {
    const prefix = Math.max(0, Math.min(4, Math.floor(Math.log10(Math.max(rate, 1)) / 3)));
    return `${plain.format(rate / 1000 ** prefix)} ${['', 'k', 'M', 'G', 'T'][prefix]}B/s`;
  };
  const write = {
    Count: value => plain.format(value),
    BytesPerSecond: bytes,
    Milliseconds: value => `${value < 1 ? Number(value.toPrecision(3)) : plain.format(value)} ms`,
  };
  const onAxis = { Count: value => (value >= 10000 ? short.format(value) : plain.format(value)), BytesPerSecond: bytes, Milliseconds: value => plain.format(value) };

  const element = (name, text, ...children) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    made.append(...children);
    return made;
  };

  // The values at one place, and what was done to the cluster since the place before.
  const tooltip = chart => at => {
    const points = Array.isArray(at) ? at : [at];
    if (points.length === 0) return '';
    const place = chart.categories ? chart.categories[points[0].dataIndex] : points[0].value[0];
    const rows = points.map(point => {
      const value = chart.categories ? point.value : point.value[1];
      const swatch = element('span');
      swatch.className = 'swatch';
      swatch.style.background = color(chart.series[point.seriesIndex].color);
      const number = element('td', value === null || value === undefined ? '–' : write[chart.unit](value));
      number.className = 'number';
      return element('tr', '', element('th', '', swatch, point.seriesName), number);
    });
    const box = element('div', '', element('strong', chart.categories ? `${chart.xName}: ${place}` : `until ${plain.format(place)} s`), element('table', '', ...rows));
    box.className = 'tooltip';
    if (!chart.categories) {
      const times = chart.series[points[0].seriesIndex].times;
      const before = times[times.indexOf(place) - 1] ?? -Infinity;
      for (const mark of chart.marks) {
        if (mark.at > before && (mark.at <= place || place === times.at(-1))) box.append(element('p', `${mark.number}: ${plain.format(mark.at)} s, ${mark.text}`));
      }
    }
    return box;
  };

  // Marks closer to each other than their numbers are wide keep their lines but share a number.
  const marks = (chart, width) => {
    const perSecond = width / chart.xMaximum;
    let free = -Infinity;
    return chart.marks.map(mark => {
      const shown = mark.at * perSecond >= free;
      if (shown) free = mark.at * perSecond + 9 + 7 * String(mark.number).length;
      return { xAxis: mark.at, name: mark.text, label: { show: shown, formatter: String(mark.number) }, lineStyle: { type: mark.undo ? 'dotted' : 'dashed' } };
    });
  };

  const series = (chart, width) => chart.series.map((one, index) => {
    const hue = color(one.color);
    const bar = one.style === 'Bar';
    const drawn = {
      name: one.name, type: bar ? 'bar' : 'line', stack: one.stack ? 'all' : undefined,
      data: chart.categories ? one.values : one.values.map((value, i) => [one.times[i], value]),
      itemStyle: { color: hue }, z: bar ? 2 : 3,
      emphasis: { disabled: true },
    };
    if (bar) Object.assign(drawn, { barMaxWidth: 36, barCategoryGap: chart.categories.length > 60 ? '10%' : '25%' });
    else {
      Object.assign(drawn, {
        showSymbol: one.values.length === 1 || (!chart.categories && one.values.length < 40 && one.style !== 'Area'), symbolSize: 4, lineStyle: { color: hue, width: one.stack ? 0 : 1.6, type: one.style === 'Dashed' ? [5, 4] : 'solid' },
      });
      if (one.style === 'Area') drawn.areaStyle = { color: hue, opacity: one.stack ? 0.5 : 0.25 };
    }
    if (index === 0 && !chart.categories) {
      drawn.markLine = {
        symbol: 'none', silent: true, data: marks(chart, width), lineStyle: { color: color('mark'), width: 1.2, opacity: 0.9 },
        label: { position: 'end', color: color('mark'), fontSize: 11, fontWeight: 'bold', distance: 5 },
      };
      drawn.markArea = { silent: true, itemStyle: { color: color('area') }, data: chart.areas.map(area => [{ name: area.text, xAxis: area.from, label: { show: false } }, { xAxis: area.to }]) };
    }
    return drawn;
  });

  const option = (chart, width) => {
    const text = { color: color('muted'), fontFamily: 'inherit', fontSize: 12 };
    const line = { lineStyle: { color: color('line') } };
    const x = {
      name: chart.xName, nameLocation: 'middle', nameGap: 26, nameTextStyle: text, axisLabel: { ...text, hideOverlap: true }, axisLine: line, axisTick: line, splitLine: { show: false },
    };
    // A few long names stand aslant; of many, some are left out.
    const names = chart.categories ?? [], longest = Math.min(16, Math.max(0, ...names.map(name => name.length)));
    const aslant = names.length <= 30 && longest * 7 * names.length > width - 60;
    return {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 4, right: names.length > 30 ? 40 : 16, top: 42, bottom: 34, outerBoundsMode: 'same', outerBoundsContain: 'all' },
      legend: {
        bottom: 0, left: 'center', data: chart.series.map(one => ({ name: one.name, icon: one.style === 'Area' || one.style === 'Bar' ? 'roundRect' : undefined })),
        itemWidth: 18, itemHeight: 10, itemGap: 16, textStyle: { ...text, color: color('text'), width: Math.max(60, width / Math.min(chart.series.length, 4) - 50), overflow: 'truncate' }, inactiveColor: color('line'),
      },
      tooltip: {
        trigger: 'axis', confine: true, formatter: tooltip(chart), axisPointer: { type: chart.categories ? 'shadow' : 'line', lineStyle: { color: color('muted') } },
        backgroundColor: color('card'), borderColor: color('line'), textStyle: { color: color('text') }, transitionDuration: 0,
      },
      xAxis: chart.categories
        ? { ...x, type: 'category', data: chart.categories, nameGap: aslant ? 26 + 4.5 * longest : 26, axisLabel: { ...x.axisLabel, rotate: aslant ? 40 : 0, interval: aslant ? 0 : 'auto', width: 115, overflow: 'truncate' } }
        : { ...x, type: 'value', min: 0, max: chart.xMaximum, axisLabel: { ...x.axisLabel, formatter: value => plain.format(value), showMaxLabel: Number.isInteger(chart.xMaximum) } },
      yAxis: {
        type: chart.logarithmic ? 'log' : 'value', minInterval: chart.unit === 'Count' ? 1 : 0, name: chart.yName, nameLocation: 'end', nameGap: 22,
        nameTextStyle: { ...text, align: 'left' }, axisLabel: { ...text, formatter: onAxis[chart.unit] }, splitLine: line,
      },
      series: series(chart, width),
    };
  };

  const drawn = data.map(chart => {
    const place = document.getElementById(chart.id);
    const instance = charts.init(place, null, { renderer: 'svg' });
    const draw = () => instance.setOption(option(chart, instance.getWidth()), true);
    draw();
    let width = instance.getWidth();
    new ResizeObserver(() => {
      if (place.clientWidth === width || place.clientWidth === 0) return;
      width = place.clientWidth;
      instance.resize();
      draw();
    }).observe(place);
    return { instance, draw };
  });

  const redraw = size => drawn.forEach(chart => {
    if (size) chart.instance.resize(size);
    chart.draw();
  });
  dark.addEventListener('change', () => redraw());
  // Paper is white, and as wide as A4 or Letter less their margins.
  addEventListener('beforeprint', () => {
    document.documentElement.dataset.print = '';
    redraw({ width: 660 });
  });
  addEventListener('afterprint', () => {
    delete document.documentElement.dataset.print;
    redraw({ width: 'auto' });
  });
})();
