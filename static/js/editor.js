/* The editor of a draft. Improves only: without this file 保存 stores everything, and the buttons move rows. */
(function () {
  'use strict';

  var table = function () { return document.getElementById('edit-table'); };
  var waiting = 0;      // rows on their way to the server
  var afterwards = [];  // what to do once they have arrived

  function words(key, values) {
    var text = table().dataset[key] || '';
    Object.keys(values || {}).forEach(function (name) { text = text.replace('{' + name + '}', values[name]); });
    return text;
  }

  function state(text) {
    var out = document.getElementById('save-state');
    if (out) { out.textContent = text; }
  }

  function clock() {
    var now = new Date();
    return ('0' + now.getHours()).slice(-2) + ':' + ('0' + now.getMinutes()).slice(-2);
  }

  /* A box differs from what the server has. */
  function isDirty(control) {
    if (control.type === 'hidden' || control.type === 'submit') { return false; }
    if (control.tagName === 'SELECT') {
      return Array.prototype.some.call(control.options, function (option) { return option.selected !== option.defaultSelected; });
    }
    return control.value !== control.defaultValue;
  }

  function controls(scope) { return Array.prototype.slice.call(scope.querySelectorAll('input[name], select[name], textarea[name]')); }

  function saveRow(row) {
    if (row && document.contains(row) && controls(row).some(isDirty)) { window.htmx.trigger(row, 'save'); }
  }

  /* --- what was typed while the server was answering stays --------------------------------------------- */

  var kept = null;
  var wanting = null;   // where the focus goes once the table is there again

  function remember(scope) {
    var active = document.activeElement;
    kept = { boxes: {}, focus: null };
    controls(scope).forEach(function (control) {
      if (!control.id) { return; }
      var sent = control.dataset.sent;
      if (isDirty(control) && sent !== control.value) { kept.boxes[control.id] = control.value; }
    });
    if (active && scope.contains(active)) {
      kept.focus = { id: active.id, name: active.name, value: active.value, start: null, end: null };
      try { kept.focus.start = active.selectionStart; kept.focus.end = active.selectionEnd; } catch (error) { /* no text */ }
    }
  }

  /* A new row takes the focus; a moved one keeps it, in the box or on the button that moved it. */
  function settleFocus() {
    var want = wanting, added = table().dataset.focus;
    wanting = null;
    var adds = want.verb === 'child' || want.verb === 'sibling';
    var target = adds && added ? box('name_zh', added) : document.getElementById(want.id || '');
    if (!target) { return false; }
    target.focus();
    if (adds && target.select) { target.select(); }
    return true;
  }

  function restore(event) {
    if (wanting && event.target.id === 'edit-table' && settleFocus() && kept) { kept.focus = null; }
    if (!kept) { return; }
    var was = kept;
    kept = null;
    Object.keys(was.boxes).forEach(function (id) {
      var control = document.getElementById(id);
      if (!control) { return; }
      control.value = was.boxes[id];
      if (!was.focus || was.focus.id !== id) { saveRow(control.closest('tr')); }
    });
    if (!was.focus) { return; }
    var target = was.focus.id ? document.getElementById(was.focus.id)
      : document.querySelector('button[name="' + was.focus.name + '"][value="' + was.focus.value + '"]');
    if (!target) { return; }
    target.focus();
    if (was.focus.start !== null && target.setSelectionRange) {
      try { target.setSelectionRange(was.focus.start, was.focus.end); } catch (error) { /* no text */ }
    }
  }

  /* --- exact sums: BigInt in units of 10^-15 -------------------------------------------------------------- */

  var PLACES = 15;

  function exact(text) {
    var plain = String(text).normalize('NFKC').replace(/[\s,，]/g, '');
    var found = /^(\d*)(?:\.(\d*))?$/.exec(plain);
    if (!plain || !found || (!found[1] && !found[2]) || (found[2] || '').length > PLACES) { return null; }
    return window.BigInt((found[1] || '0') + ((found[2] || '') + '000000000000000').slice(0, PLACES));
  }

  function shown(units) {
    var digits = units.toString();
    while (digits.length <= PLACES) { digits = '0' + digits; }
    var rest = digits.slice(-PLACES).replace(/0+$/, '');
    return digits.slice(0, -PLACES) + (rest ? '.' + rest : '');
  }

  function box(name, key) { return document.getElementById(name + '-' + key); }

  function addUp(parent) {
    var out = document.getElementById('sum-' + parent);
    if (!out || !window.BigInt) { return; }
    var rows = Array.prototype.filter.call(table().querySelectorAll('tr[data-parent="' + parent + '"]'), function (row) {
      return !row.hasAttribute('data-bonus');
    });
    var usesPoints = rows.some(function (row) { var input = box('points', row.dataset.node); return input && input.value.trim(); });
    var total = window.BigInt(0);
    var readable = rows.every(function (row) {
      var input = box(usesPoints ? 'points' : 'weight', row.dataset.node);
      if (!input || !input.value.trim()) { return true; }
      var value = exact(input.value);
      if (value !== null) { total += value; }
      return value !== null;
    });
    if (!rows.length || !readable) { return; }
    var own = parent === '0' ? null : box('points', parent);
    var target = usesPoints && own && own.value.trim() ? exact(own.value) : null;
    var code = parent === '0' ? '' : box('code', parent).value;
    var values = { code: code, total: shown(total), points: target === null ? '' : shown(target) };
    var key = parent === '0' ? (usesPoints ? 'wordsRoot' : 'wordsRootWeights') : usesPoints ? 'wordsSum' : 'wordsWeights';
    if (target !== null) {
      key = total === target ? 'wordsEqual' : total < target ? 'wordsLess' : 'wordsMore';
      values.gap = shown(total < target ? target - total : total - target);
    }
    out.classList.toggle('is-wrong', key === 'wordsLess' || key === 'wordsMore');
    out.textContent = words(key, values);
  }

  /* --- the table ------------------------------------------------------------------------------------------ */

  function onInput(event) {
    var row = event.target.closest('#edit-table tr[data-node]');
    if (!row || !/^(points|weight)-/.test(event.target.name)) { return; }
    addUp(row.dataset.parent);
    addUp(row.dataset.node);
  }

  /* The server's sums do not know what is being typed. */
  function recount() {
    if (!table()) { return; }
    Array.prototype.forEach.call(table().querySelectorAll('.edit-number'), function (input) {
      if (isDirty(input)) { onInput({ target: input }); }
    });
  }

  function whenIdle(action) { if (waiting) { afterwards.push(action); } else { action(); } }

  /* Not by htmx: its swap looks every id up in the old table, which takes many seconds with 400 rows. */
  function post(form, values) {
    var body = new URLSearchParams(values);
    body.append('csrfmiddlewaretoken', form.querySelector('[name="csrfmiddlewaretoken"]').value);
    var asked = window.fetch(form.action, { method: 'POST', body: body, credentials: 'same-origin', headers: { 'HX-Request': 'true' } });
    return asked.then(function (response) {
      if (!response.ok && response.status !== 409 && response.status !== 422) { return Promise.reject(response.status); }
      return response.text().then(function (text) { return { status: response.status, text: text }; });
    }, function () { return Promise.reject(0); });
  }

  function replaceTable(text) {
    var holder = document.createElement('template');
    holder.innerHTML = text;
    var fresh = holder.content.querySelector('#edit-table');
    remember(table());
    table().replaceWith(fresh);
    window.htmx.process(fresh);
    restore({ target: fresh });
    recount();
    document.dispatchEvent(new CustomEvent('figureview'));  // app.js looks which tables fit
    var summary = fresh.querySelector('.error-summary');
    if (summary) { summary.focus(); }
  }

  /* A button of the table: what was typed goes first, then the move; the table comes back as a whole. */
  function perform(wanted, row, focusId) {
    if (row) { saveRow(row); }
    whenIdle(function () {
      var values = { do: wanted };
      var seen = row && document.querySelector('input[name="seen-' + row.dataset.node + '"]');
      if (seen) { values[seen.name] = seen.value; }
      waiting += 1;
      state(words('saving'));
      wanting = { verb: wanted.split('-')[0], id: focusId };
      post(document.getElementById('f'), values).then(function (answer) {
        replaceTable(answer.text);
        state(answer.status < 300 ? words('saved', { time: clock() }) : words('unsaved'));
        done(answer.status < 300);
      }, function (status) {
        document.dispatchEvent(new CustomEvent(status ? 'htmx:responseError' : 'htmx:sendError', { detail: { xhr: { status: status } } }));
        state(words('unsaved'));
        done(false);
      });
    });
  }

  /* What waits is done once everything has arrived, and not at all when something was refused. */
  function done(good) {
    waiting = Math.max(0, waiting - 1);
    if (!good) { afterwards = []; }
    if (!waiting) { afterwards.splice(0).forEach(function (action) { action(); }); }
  }

  function onClick(event) {
    var link = event.target.closest('main a[href]:not([href^="#"]):not([data-theirs])');
    if (link && waiting && !event.ctrlKey && !event.metaKey && !event.shiftKey) {  // what was typed arrives first
      event.preventDefault();
      whenIdle(function () { window.location.assign(link.href); });
      return;
    }
    var button = event.target.closest('button[name="do"]');
    if (button && table() && button.value !== 'save') {
      if (!document.getElementById('edit-table').querySelector('table')) { return; }
      event.preventDefault();
      perform(button.value, button.closest('tr[data-node]'), '');
      return;
    }
    var keep = event.target.closest('button[name^="keep-"]');
    if (keep && table()) {
      event.preventDefault();
      var row = keep.closest('tr');
      var mark = document.createElement('input');
      mark.type = 'hidden';
      mark.name = keep.name;
      mark.value = keep.value;
      row.cells[0].appendChild(mark);
      window.htmx.trigger(row, 'save');
      return;
    }
    var theirs = event.target.closest('[data-theirs]');
    if (theirs) {
      event.preventDefault();
      document.getElementById(theirs.dataset.theirs).value = theirs.dataset.value;
      window.htmx.trigger(theirs.closest('tr'), 'save');
    }
  }

  var ARROWS = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'out', ArrowRight: 'in' };

  function onKey(event) {
    var row = event.target.closest && event.target.closest('#edit-table tr[data-node]');
    if (!row || event.isComposing) { return; }
    if (event.altKey && ARROWS[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      perform(ARROWS[event.key] + '-' + row.dataset.node, row, event.target.id || 'name_zh-' + row.dataset.node);
    } else if (event.key === 'Enter' && event.target.matches('input[type="text"]')) {
      event.preventDefault();
      var next = event.shiftKey ? row.previousElementSibling : row.nextElementSibling;
      var target = next && next.dataset.node && box(event.target.name.split('-')[0], next.dataset.node);
      if (target) { target.focus(); target.select(); } else { saveRow(row); }
    }
  }

  function onLeave(event) {
    var row = event.target.closest('#edit-table tr[data-node]');
    if (row) { saveRow(row); return; }
    var form = event.target.closest('#edit-form[hx-post]');
    if (!form || (event.relatedTarget && event.target.closest('.edit-details tr') && event.target.closest('tr').contains(event.relatedTarget))) { return; }
    var line = event.target.closest('.edit-details tr');
    if (isDirty(event.target) || (line && controls(line).some(isDirty))) { saveForm(form, event.target); }
  }

  function onChange(event) {
    if (event.target.tagName === 'SELECT') { onLeave(event); }
  }

  /* --- the page of one node ------------------------------------------------------------------------------- */

  function saveForm(form, control) {
    if (control.name === 'kind' || control.name === 'code') {  // another kind shows other fields, another code has another address
      form.querySelector('button[value="stay"]').click();
      return;
    }
    window.htmx.trigger(form, 'save');
  }

  /* --- htmx ------------------------------------------------------------------------------------------------ */

  function onBeforeRequest(event) {
    var source = event.detail.elt;
    if (source.matches('tr[data-node]')) {
      waiting += 1;
      controls(source).forEach(function (control) { control.dataset.sent = control.value; });
      state(words('saving'));
    } else if (source.id === 'edit-form') {
      waiting += 1;
      controls(source).forEach(function (control) { control.dataset.sent = control.value; });
    }
  }

  function onAfterRequest(event) {
    // a row that was swapped away no longer tells of itself: the target does
    var source = event.detail.target, xhr = event.detail.xhr;
    var good = Boolean(xhr) && xhr.status >= 200 && xhr.status < 300;
    if (!source) { return; }
    if (source.id === 'save-note') { source = document.getElementById('edit-form'); }
    if (source.matches('tr[data-node]')) {
      done(good);
      state(good ? words('saved', { time: clock() }) : words('unsaved'));
    } else if (source.id === 'edit-form') {
      done(good);
      if (!good) { return; }
      var left = false;
      controls(source).forEach(function (control) {
        if (control.type === 'hidden' || control.tagName === 'SELECT') { return; }
        if (control.dataset.sent === control.value) { control.defaultValue = control.value; } else { left = true; }
      });
      if (!left) { source.dispatchEvent(new CustomEvent('saved', { bubbles: true })); }
    }
  }

  document.addEventListener('input', onInput);
  document.addEventListener('click', onClick);
  document.addEventListener('keydown', onKey);
  document.addEventListener('focusout', onLeave);
  document.addEventListener('change', onChange);
  document.addEventListener('htmx:beforeRequest', onBeforeRequest);
  document.addEventListener('htmx:afterRequest', onAfterRequest);
  document.addEventListener('htmx:beforeSwap', function (event) {
    var target = event.detail.target;
    if (target && target.matches('#edit-table tr')) { remember(target); }
  });
  document.addEventListener('htmx:afterSettle', function (event) {
    restore(event);
    recount();
  });
}());
