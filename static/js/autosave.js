/* Saves an answer 1.5 s after typing stops and on leaving a field. Without this file the buttons do the same.
   What the server has not acknowledged lies in localStorage by user, answer and version, and is offered on return. */
(function () {
  'use strict';

  var PAUSE = 1500;
  var RETRY = 5000;
  var panel = document.querySelector('form[data-conflict]');
  var form = document.querySelector('form[data-autosave]');

  /* Both texts stand in the panel and in the history: once it is decided, the copy here has done its duty. */
  if (panel) {
    panel.addEventListener('submit', function () {
      forget('answer:' + panel.dataset.user + ':' + panel.getAttribute('action'));
    });
  }
  if (!form || !window.fetch || !window.FormData) { return; }

  var state = form.querySelector('.save-state');
  var key = 'answer:' + form.dataset.user + ':' + window.location.pathname;
  var saved = snapshot();                       // what the server holds
  var sending = null;                           // what is on its way
  var timer = 0;
  var leaving = null;                           // the button that waits for what is on its way
  var going = '';                               // the address that waits for it
  var back = null;                              // the link to sign in again

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
    tell(text);
  }

  function tell(text) { if (state) { state.textContent = text; } }

  /* The session is over: the way back in, and back here. The link stays while a further save is tried and refused. */
  function expire() {
    var live = document.getElementById('live');
    say('expired');
    if (back || !state || !live || !live.dataset.loginUrl) { return; }
    back = document.createElement('a');
    back.href = live.dataset.loginUrl + '?next=' + encodeURIComponent(window.location.pathname);
    back.textContent = live.dataset.login;
    back.addEventListener('click', function () { delete form.dataset.dirty; });
    state.parentNode.insertBefore(back, state);   // before the words, so that it does not move as they change
  }

  function signedIn() {
    if (back) { back.parentNode.removeChild(back); }
    back = null;
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

  function forget(which) {
    try { window.localStorage.removeItem(which || key); } catch (error) { /* nothing was kept */ }
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
    var address = going;
    if (sending) { return; }
    leaving = null;
    going = '';
    if (button) { submit(button); return; }
    if (address && snapshot() === saved) { delete form.dataset.dirty; window.location.assign(address); }
  }

  /* A link inside the site waits for the save as well; when that fails, the browser asks at the next click. */
  function follow(event) {
    var link = event.target.closest('a[href]');
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    if (link.target || link.hasAttribute('download') || link.origin !== window.location.origin) { return; }
    if (link.hash && link.pathname === window.location.pathname) { return; }
    if (going || link === back || (snapshot() === saved && !sending)) { return; }
    event.preventDefault();
    going = link.href;
    send();
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
    if (response.status === 401) { return expire(); }
    if (response.status === 409) {              // the page that shows both texts comes from a plain save
      say('conflict');
      leaving = null;
      return submit(form.querySelector('[value="stay"]'));
    }
    if (response.status === 403 || response.status === 422) { return refuse(response); }
    if (!response.ok) { say('failed'); return plan(RETRY); }
    if (response.status === 202) { return late(response, sent); }
    return response.json().then(function (result) {
      var typedOn = snapshot() !== sent;
      if (merge(result.fields, JSON.parse(sent))) { form.elements.version.value = result.fields.version; }
      if (typedOn) { saved = sent; return plan(0); }
      saved = snapshot();
      forget();
      show(result);
      signedIn();
      say('saved', { time: result.saved_at });
      form.dispatchEvent(new Event('saved', { bubbles: true }));
      return undefined;
    });
  }

  /* After the cut-off: the server holds it as a late draft and says so; nothing has to be kept here. */
  function late(response, sent) {
    return response.json().then(function (result) {
      saved = sent;
      tell(result.message);
      if (snapshot() === sent) { forget(); } else { plan(PAUSE); }
    });
  }

  /* The server says why, in a sentence; the text stays here and in the form. */
  function refuse(response) {
    say('refused');
    return response.json().then(function (result) { if (result.message) { tell(result.message); } }, function () {});
  }

  /* What follows the form, as the server renders it: the estimate, the state, the last change. */
  function show(result) {
    Object.keys(result.parts || {}).forEach(function (id) {
      var place = document.getElementById(id);
      if (place) { place.innerHTML = result.parts[id]; }
    });
    Object.keys(result.texts || {}).forEach(function (id) {
      var place = document.getElementById(id);
      if (place) { place.textContent = result.texts[id]; }
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
  document.addEventListener('click', follow);
  document.addEventListener('visibilitychange', function () { if (document.hidden) { send(); } });
  window.addEventListener('online', send);
  window.addEventListener('offline', function () { if (snapshot() !== saved) { say('offline'); } });
  if (form.hasAttribute('data-clean') || form.hasAttribute('data-stored')) { offer(); }
}());
