/* Saves an answer 1.5 s after typing stops and on leaving a field. Without this file the buttons do the same.
   What the server has not acknowledged lies in localStorage by user, answer and version, and is offered on return. */
(function () {
  'use strict';

  var PAUSE = 1500;
  var RETRY = 5000;
  var form = document.querySelector('form[data-autosave]');
  if (!form || !window.fetch || !window.FormData) { return; }

  var state = form.querySelector('.save-state');
  var key = 'answer:' + form.dataset.user + ':' + window.location.pathname;
  var saved = snapshot();                       // what the server holds
  var sending = null;                           // what is on its way
  var timer = 0;
  var leaving = null;                           // the button that waits for what is on its way

  function fields() {
    var values = [];
    new FormData(form).forEach(function (value, name) {
      if (typeof value === 'string' && ['csrfmiddlewaretoken', 'version', 'locator'].indexOf(name) < 0) {
        values.push([name, value]);
      }
    });
    return values;
  }

  function snapshot() { return JSON.stringify(fields()); }

  function say(word, values) {
    var text = form.dataset[word] || '';
    Object.keys(values || {}).forEach(function (name) { text = text.replace('{' + name + '}', values[name]); });
    if (state) { state.textContent = text; }
  }

  function keep() {
    try {
      window.localStorage.setItem(key, JSON.stringify({
        version: form.elements.version.value, fields: fields(), at: new Date().toISOString()
      }));
    } catch (error) { /* storage may be full or switched off: the server still gets the text */ }
  }

  function kept() {
    try { return JSON.parse(window.localStorage.getItem(key)); } catch (error) { return null; }
  }

  function forget() {
    try { window.localStorage.removeItem(key); } catch (error) { /* nothing was kept */ }
  }

  function plan(delay) {
    window.clearTimeout(timer);
    timer = window.setTimeout(send, delay);
  }

  function changed() {
    if (snapshot() === saved && !sending) { return; }
    keep();
    say(navigator.onLine === false ? 'offline' : 'unsaved');
    plan(PAUSE);
  }

  function send() {
    window.clearTimeout(timer);
    var now = snapshot();
    if (sending || now === saved) { return; }   // one at a time: the next leaves when this one is answered
    sending = now;
    say('saving');
    var body = new FormData(form);
    body.delete('file');
    body.set('then', 'autosave');
    fetch(form.action, { method: 'POST', body: body, headers: { 'X-Autosave': '1' }, credentials: 'same-origin' })
      .then(function (response) { return answer(response, now); })
      .catch(function () {
        sending = null;
        say('offline');
        plan(RETRY);
      })
      .then(leave);
  }

  /* A button waits for the answer: its form then carries the version that the server holds. */
  function leave() {
    var button = leaving;
    leaving = null;
    if (button && !sending) { submit(button); }
  }

  function submit(button) {
    if (form.requestSubmit) { return form.requestSubmit(button); }
    var then = document.createElement('input');
    then.type = 'hidden';
    then.name = button.name;
    then.value = button.value;
    form.appendChild(then);
    return form.submit();
  }

  function answer(response, sent) {
    sending = null;
    if (response.status === 401) { return say('expired'); }
    if (response.status === 409) {              // the page that shows both texts comes from a plain save
      say('conflict');
      leaving = null;
      return submit(form.querySelector('[value="stay"]'));
    }
    if (response.status === 403) { return say('refused'); }
    if (!response.ok) { say('failed'); return plan(RETRY); }
    return response.json().then(function (result) {
      var typedOn = snapshot() !== sent;
      if (merge(result.fields, JSON.parse(sent))) { form.elements.version.value = result.fields.version; }
      if (typedOn) { saved = sent; return plan(0); }
      saved = snapshot();
      forget();
      say('saved', { time: result.saved_at });
      form.dispatchEvent(new Event('saved', { bubbles: true }));
      return undefined;
    });
  }

  function of(pairs, name) {
    return pairs.filter(function (pair) { return pair[0] === name; }).map(function (pair) { return pair[1]; });
  }

  /* Put what others saved into the fields that nobody has touched here since; false when one was touched: then the
     old version stays, and the next save shows both texts instead of overwriting theirs. */
  function merge(theirs, sent) {
    var clean = true;
    var values = fields();
    Object.keys(theirs).filter(function (name) { return name !== 'version'; }).forEach(function (name) {
      var his = [].concat(theirs[name]).map(String).filter(function (one) { return one !== ''; });
      var mine = of(sent, name).map(plain).filter(function (one) { return one !== ''; });
      if (JSON.stringify(his) === JSON.stringify(mine)) { return; }
      if (JSON.stringify(of(values, name)) !== JSON.stringify(of(sent, name))) { clean = false; return; }
      set(name, his);
    });
    return clean;
  }

  function plain(text) { return text.replace(/\r\n/g, '\n'); }

  function set(name, values) {
    Array.prototype.forEach.call(form.elements, function (control) {
      if (control.name !== name || control.type === 'hidden') { return; }
      if (control.type === 'radio' || control.type === 'checkbox') {
        control.checked = values.indexOf(control.value) >= 0;
      } else {
        control.value = values[0] || '';
      }
    });
  }

  function put(values) {
    Array.prototype.forEach.call(form.elements, function (control) {
      if (control.name && control.type !== 'hidden' && control.type !== 'file' && control.name !== 'locator') {
        set(control.name, of(values, control.name));
      }
    });
  }

  function offer() {
    var mine = kept();
    if (!mine || JSON.stringify(mine.fields) === saved) { return forget(); }
    var notice = document.getElementById('restore');
    if (!notice) { return undefined; }
    notice.hidden = false;
    notice.querySelector('[data-restore]').addEventListener('click', function () {
      put(mine.fields);
      form.elements.version.value = mine.version;   // the server merges, or shows both texts
      notice.hidden = true;
      changed();
      send();
    });
    notice.querySelector('[data-discard]').addEventListener('click', function () { forget(); notice.hidden = true; });
    return undefined;
  }

  form.addEventListener('input', changed);
  form.addEventListener('change', function (event) { if (event.target.type !== 'file') { changed(); send(); } });
  form.addEventListener('submit', function (event) {
    window.clearTimeout(timer);
    if (sending) {
      event.preventDefault();
      leaving = event.submitter || form.querySelector('[value="stay"]');
    }
  });
  window.addEventListener('online', send);
  window.addEventListener('offline', function () { if (snapshot() !== saved) { say('offline'); } });
  if (form.hasAttribute('data-clean')) { offer(); }
}());
