/*
Draws every [data-chart="ID"] from the JSON in <script type="application/json" id="ID">, then adds the 图│表 switch.
When anything fails the table below the chart simply stays: it holds the same numbers.
*/
(function () {
  'use strict';

  var CONFIG = {
    displayModeBar: false,
    displaylogo: false,
    showSendToCloud: false,
    plotlyServerURL: '',
    responsive: true,
    scrollZoom: false,
    doubleClick: false,
    showTips: false
  };
  var COLOURS = ['#134A8E', '#B26210', '#277F63', '#4F2431', '#3E9AD7'];
  var PRINT_WIDTH = 660;                        // A4 between the margins of print.css, in CSS px

  function fontOf(element) {
    var style = window.getComputedStyle(element);
    return { family: style.fontFamily, size: Math.round(parseFloat(style.fontSize) * 0.8125), color: style.color };
  }

  function layoutFor(given, element) {
    var layout = Object.assign({
      margin: { l: 8, r: 16, t: 8, b: 8 }, height: 360, paper_bgcolor: '#FFFFFF', plot_bgcolor: '#FFFFFF',
      colorway: COLOURS, iciclecolorway: COLOURS
    }, given);
    layout.font = Object.assign({}, given.font, fontOf(element));
    layout.hoverlabel = Object.assign({ bgcolor: '#FFFFFF', bordercolor: '#6B7480', align: 'left' }, given.hoverlabel);
    layout.legend = Object.assign({ orientation: 'h', x: 0, xanchor: 'left', y: 1.02, yanchor: 'bottom' }, given.legend);
    if (element.clientWidth < 480) {            // a phone: side margins are for labels, not for air
      layout.margin = Object.assign({}, layout.margin, { l: Math.min(layout.margin.l || 0, 40), r: Math.min(layout.margin.r || 0, 40) });
      if (given.annotations) { layout.legend.y = Math.max(layout.legend.y, 1.1); }  // above the words at the top right
    }
    layout.autosize = true;
    layout.dragmode = false;                    // a finger on the chart scrolls the page
    delete layout.width;
    delete layout.title;                        // the heading is in the page
    if (!given.polar) { layout.xaxis = layout.xaxis || {}; layout.yaxis = layout.yaxis || {}; }
    Object.keys(layout).forEach(function (key) {
      if (/^[xy]axis\d*$/.test(key)) {
        layout[key] = Object.assign({ automargin: true, fixedrange: true, gridcolor: '#D5DBE3', zerolinecolor: '#6B7480' }, layout[key]);
      }
    });
    return layout;
  }

  function read(id) {
    var script = document.getElementById(id);
    return script ? JSON.parse(script.textContent) : null;
  }

  function setView(figure, view) {
    figure.dataset.view = view;
    figure.querySelectorAll('[data-view-button]').forEach(function (button) {
      button.setAttribute('aria-pressed', String(button.dataset.viewButton === view));
    });
    document.dispatchEvent(new CustomEvent('figureview'));
    if (view === 'chart') { window.Plotly.Plots.resize(figure.querySelector('.chart')); }
  }

  function button(text) {
    var element = document.createElement('button');
    element.type = 'button';
    element.textContent = text;
    return element;
  }

  function addSwitch(figure, chart) {
    var bar = figure.querySelector('.figure-switch');
    if (!bar || bar.firstElementChild) { return; }
    [['chart', bar.dataset.chartLabel], ['table', bar.dataset.tableLabel]].forEach(function (pair) {
      var choice = bar.appendChild(button(pair[1]));
      choice.dataset.viewButton = pair[0];
      choice.addEventListener('click', function () { setView(figure, pair[0]); });
    });
    var save = bar.appendChild(button(bar.dataset.saveLabel));
    save.className = 'figure-save';
    save.addEventListener('click', function () {
      setView(figure, 'chart');
      window.Plotly.downloadImage(chart, { format: 'png', scale: 2, width: chart.offsetWidth, height: chart.offsetHeight, filename: chart.dataset.chart });
    });
    bar.hidden = false;
    setView(figure, 'chart');
  }

  function draw(chart) {
    var figure = chart.closest('.figure');
    var given = read(chart.dataset.chart);
    if (!given || !window.Plotly) { return; }
    chart.dataset.drawn = '1';
    window.Plotly.newPlot(chart, given.data, layoutFor(given.layout || {}, chart), CONFIG).then(function () {
      if (figure) { addSwitch(figure, chart); }
    }).catch(function (error) {
      window.Plotly.purge(chart);
      if (figure) { delete figure.dataset.view; }
      window.console.error(error);
    });
  }

  function drawAll() {
    document.querySelectorAll('[data-chart]:not([data-drawn])').forEach(draw);
  }

  function drawn() {
    return Array.prototype.slice.call(document.querySelectorAll('[data-chart][data-drawn]'));
  }

  function start() {
    drawAll();
    document.addEventListener('htmx:afterSettle', drawAll);
    document.addEventListener('textsize', function () {
      drawn().forEach(function (chart) { window.Plotly.relayout(chart, { font: fontOf(chart) }); });
    });
    window.addEventListener('beforeprint', function () {
      drawn().forEach(function (chart) { window.Plotly.relayout(chart, { width: PRINT_WIDTH, autosize: false, 'font.size': 11 }); });
    });
    window.addEventListener('afterprint', function () {
      drawn().forEach(function (chart) { window.Plotly.relayout(chart, { width: null, autosize: true, 'font.size': fontOf(chart).size }); });
    });
  }

  if (document.readyState === 'loading') { document.addEventListener('DOMContentLoaded', start); } else { start(); }
}());
