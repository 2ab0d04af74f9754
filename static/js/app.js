/* Progressive enhancement only: every page works without this file. Words come from data attributes of #live. */
(function () {
  'use strict';

  var root = document.documentElement;
  var SIZES = ['100', '125', '150'];
  root.classList.add('js');

  function readSize() {
    try {
      var size = window.localStorage.getItem('text-size');
      return SIZES.indexOf(size) >= 0 ? size : '100';
    } catch (error) { return '100'; }          // storage may be switched off by policy
  }

  function applySize(size) {
    SIZES.forEach(function (s) { root.classList.toggle('text-' + s, s === size && s !== '100'); });
    document.querySelectorAll('[data-text-size]').forEach(function (button) {
      button.setAttribute('aria-pressed', String(button.dataset.textSize === size));
    });
  }
  applySize(readSize());                        // at once, in <head>, so that the page does not jump

  function word(key, values) {
    var live = document.getElementById('live');
    var text = (live && live.dataset[key]) || '';
    Object.keys(values || {}).forEach(function (name) { text = text.replace('{' + name + '}', values[name]); });
    return text;
  }

  /* Text size */
  function onTextSize(button) {
    var size = button.dataset.textSize;
    try { window.localStorage.setItem('text-size', size); } catch (error) { /* applies to this page only */ }
    applySize(size);
    document.dispatchEvent(new CustomEvent('textsize'));
    fitTables();
  }

  /* A table that fits needs no scroll region: its head can then stick to the window, and Tab does not stop at it. */
  function fitTables() {
    document.querySelectorAll('.table-wrap').forEach(function (wrap) {
      var table = wrap.querySelector('table');
      if (!table || wrap.clientWidth === 0) { return; }
      var wide = table.offsetWidth > wrap.clientWidth + 1;
      var tall = wrap.scrollHeight > wrap.clientHeight + 1 && wrap.classList.contains('tall');
      wrap.classList.toggle('is-fit', !wide && !wrap.classList.contains('tall'));
      setScrollable(wrap, wide || tall);
    });
    document.querySelectorAll('.pane, .aside').forEach(function (pane) {
      setScrollable(pane, pane.scrollHeight > pane.clientHeight + 1);
    });
  }

  function setScrollable(element, scrollable) {
    var concealed = element.closest('.figure[data-view="chart"] .figure-table');
    if (scrollable && !concealed) { element.setAttribute('tabindex', '0'); } else { element.removeAttribute('tabindex'); }
  }

  /* A second click must not send a second form. The buttons are disabled after the browser has read the form. */
  function onSubmit(event) {
    var form = event.target;
    if (event.defaultPrevented || form.method === 'dialog') { return; }
    if (form.dataset.sending) { event.preventDefault(); return; }
    delete form.dataset.dirty;
    if (form.method !== 'post' || form.hasAttribute('data-download')) { return; }
    form.dataset.sending = '1';
    window.setTimeout(function () {
      Array.prototype.forEach.call(form.elements, function (control) {
        if (control.type === 'submit' && !control.disabled) { control.disabled = true; control.dataset.guarded = '1'; }
      });
    }, 0);
  }

  function release() {
    document.querySelectorAll('form[data-sending]').forEach(function (form) { delete form.dataset.sending; });
    document.querySelectorAll('[data-guarded]').forEach(function (control) {
      control.disabled = false;
      delete control.dataset.guarded;
    });
  }

  /* The box in a table's head ticks every box of that name in the form, and follows them. */
  function onTick(event) {
    var box = event.target;
    if (!box.form || box.type !== 'checkbox') { return; }
    var all = box.form.querySelector('[data-check-all="' + (box.dataset.checkAll || box.name) + '"]');
    if (!all) { return; }
    var boxes = Array.prototype.filter.call(box.form.elements, function (one) { return one.name === all.dataset.checkAll; });
    if (box === all) { boxes.forEach(function (one) { one.checked = all.checked; }); }
    all.checked = boxes.every(function (one) { return one.checked; });
  }

  /* Unsaved changes: form[data-guard]; autosave dispatches “saved” on the form once the server has the text. */
  function onInput(event) {
    var form = event.target.form;
    if (form && form.hasAttribute('data-guard')) { form.dataset.dirty = '1'; }
    if (event.target.matches('textarea[data-maxlength]')) { count(event.target); }
  }

  function onLeave(event) {
    if (document.querySelector('form[data-guard][data-dirty]')) {
      event.preventDefault();
      event.returnValue = '';
    }
  }

  /* Characters left. A character is a code point, as on the server. */
  var spoken;
  function count(area) {
    var left = Number(area.dataset.maxlength) - Array.from(area.value).length;
    var out = document.getElementById(area.id + '_counter');
    if (!out) { return; }
    var text = left < 0 ? word('countOver', { n: -left }) : word('countLeft', { n: left });
    out.firstChild.textContent = text;
    out.classList.toggle('is-over', left < 0);
    window.clearTimeout(spoken);
    spoken = window.setTimeout(function () { out.lastChild.textContent = text; }, 1000);
  }

  function addCounters(scope) {
    scope.querySelectorAll('textarea[data-maxlength]').forEach(function (area) {
      if (!area.id || document.getElementById(area.id + '_counter')) { return; }
      var out = document.createElement('p');
      out.id = area.id + '_counter';
      out.className = 'hint counter';
      var seen = out.appendChild(document.createElement('span'));
      seen.setAttribute('aria-hidden', 'true');
      var heard = out.appendChild(document.createElement('span'));
      heard.className = 'visually-hidden';
      heard.setAttribute('role', 'status');
      area.parentNode.insertBefore(out, area.nextSibling);
      count(area);
    });
  }

  /* The links of an error summary land on something that takes the focus, a group of radio buttons as well. */
  function onErrorLink(event, link) {
    var target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!target) { return; }
    var control = target.matches('input, select, textarea, button, a') ? target
      : target.querySelector('input, select, textarea, button, a');
    if (!control) { return; }
    event.preventDefault();
    var label = document.querySelector('label[for="' + control.id + '"]') || control;
    (control.closest('fieldset, .field') || label).scrollIntoView();
    control.focus({ preventScroll: true });
  }

  function onClick(event) {
    var size = event.target.closest('[data-text-size]');
    if (size) { onTextSize(size); return; }
    var link = event.target.closest('.error-summary a[href^="#"]');
    if (link) { onErrorLink(event, link); return; }
    var print = event.target.closest('[data-print]');
    if (print) { window.print(); return; }
    document.querySelectorAll('details.menu[open]').forEach(function (menu) {
      if (!menu.contains(event.target)) { menu.open = false; }
    });
  }

  function onKey(event) {
    if (event.key !== 'Escape') { return; }
    var menu = document.querySelector('details.menu[open]');
    if (menu) { menu.open = false; menu.querySelector('summary').focus(); }
  }

  /* A part of the page could not be fetched: say so, and keep what was typed. */
  function say(text, href, label) {
    var live = document.getElementById('live');
    if (!live) { return; }
    live.textContent = '';
    if (!text) { return; }
    var note = live.appendChild(document.createElement('p'));
    note.className = 'notice notice-warn';
    note.textContent = text;
    if (href) {
      var link = note.appendChild(document.createElement('a'));
      link.href = href;
      link.textContent = label;
    }
  }

  function onRequestError(event) {
    var status = event.detail.xhr ? event.detail.xhr.status : 0;
    var here = window.location.pathname + window.location.search;
    if (status === 401) {
      say(word('expired'), word('loginUrl') + '?next=' + encodeURIComponent(here), word('login'));
    } else if (status === 0) {
      say(word('offline'));
    } else {
      say(word('failed', { status: status }));
    }
  }

  function ready() {
    applySize(readSize());
    addCounters(document);
    fitTables();
    var summary = document.querySelector('.error-summary');
    if (summary) { summary.focus(); }
    document.addEventListener('click', onClick);
    document.addEventListener('keydown', onKey);
    document.addEventListener('input', onInput);
    document.addEventListener('change', onInput);
    document.addEventListener('change', onTick);
    document.addEventListener('submit', onSubmit);
    document.addEventListener('saved', function (event) { if (event.target.dataset) { delete event.target.dataset.dirty; } });
    document.addEventListener('figureview', fitTables);
    document.addEventListener('htmx:afterSettle', function (event) { addCounters(event.target); fitTables(); });
    document.addEventListener('htmx:responseError', onRequestError);
    document.addEventListener('htmx:sendError', onRequestError);
    window.addEventListener('beforeunload', onLeave);
    window.addEventListener('pageshow', release);
    window.addEventListener('resize', fitTables);
  }

  if (document.readyState === 'loading') { document.addEventListener('DOMContentLoaded', ready); } else { ready(); }
}());
