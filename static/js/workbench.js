/* The reviewer's keys. Every one of them presses a button or follows a link that is on the page, so nothing needs this
   file; saving before leaving is autosave's. Keys rest while somebody types or composes with an input method, and can be switched off in each browser. */
(function () {
  'use strict';

  var STORE = 'workbench-keys';
  var form = document.getElementById('mark-form');
  var help = document.getElementById('keys-help');
  var toggle = document.querySelector('[data-keys-switch]');

  function isOn() {
    try { return window.localStorage.getItem(STORE) !== 'off'; } catch (error) { return true; }
  }

  function show(on) {
    document.documentElement.classList.toggle('keys-on', on);
    if (!toggle) { return; }
    toggle.setAttribute('aria-pressed', String(on));
    toggle.textContent = on ? toggle.dataset.on : toggle.dataset.off;
  }

  function turn() {
    var on = toggle.getAttribute('aria-pressed') !== 'true';
    try { window.localStorage.setItem(STORE, on ? 'on' : 'off'); } catch (error) { /* holds for this page only */ }
    show(on);
  }

  function isTyping(target) {
    if (target.isContentEditable || target.matches('textarea, select')) { return true; }
    return target.matches('input') && ['radio', 'checkbox', 'button', 'submit'].indexOf(target.type) < 0;
  }

  function tell(control) {
    control.dispatchEvent(new Event('input', { bubbles: true }));
    control.dispatchEvent(new Event('change', { bubbles: true }));
  }

  function press(value) {
    var button = form && form.querySelector('[name="then"][value="' + value + '"]');
    if (button && !button.disabled) { button.click(); }
  }

  /* The n-th level, or tick the n-th item; inside the phrases the n-th phrase. */
  function choose(number) {
    var phrases = document.activeElement && document.activeElement.closest('.phrases');
    if (phrases) {
      var phrase = phrases.querySelectorAll('[data-phrase]')[number - 1];
      if (phrase) { phrase.click(); }
      return;
    }
    var controls = form ? form.querySelectorAll('[name="level"], [name="items"]') : [];
    var control = controls[number - 1];
    if (!control) { return; }
    control.focus();
    control.checked = control.type === 'radio' ? true : !control.checked;
    tell(control);
  }

  function decide(value) {
    var control = form && form.querySelector('[name="decision"][value="' + value + '"]');
    if (!control) { return; }
    control.checked = true;
    control.focus();
    tell(control);
  }

  function verify() {
    decide('judge');
    var field = form && form.querySelector('[name="value_text"]');
    if (field) { field.focus(); }
  }

  function write() {
    var reason = form && form.elements.reason;
    if (reason) { reason.focus(); }
  }

  function phrase(text) {
    var reason = form && form.elements.reason;
    if (!reason) { return; }
    reason.value += (reason.value && !/\s$/.test(reason.value) ? '\n' : '') + text;
    reason.focus();
    reason.setSelectionRange(reason.value.length, reason.value.length);
    reason.dispatchEvent(new Event('input', { bubbles: true }));
  }

  function phrases() {
    var list = document.getElementById('phrases');
    if (!list) { return; }
    list.open = true;
    (list.querySelector('[data-phrase]') || list.querySelector('input[type="text"]')).focus();
  }

  function toggleHelp() {
    if (!help) { return; }
    help.open = !help.open;
    help.querySelector('summary').focus();
    if (help.open) { help.scrollIntoView({ block: 'nearest' }); }
  }

  function follow(selector) {
    var link = document.querySelector(selector);
    if (link) { link.click(); }
  }

  var KEYS = {
    j: function () { follow('.workbench-nav a[rel="next"]'); },
    k: function () { follow('.workbench-nav a[rel="prev"]'); },
    s: function () { press('set_aside'); },
    e: function () { follow('[data-next-file]'); },
    c: function () { decide('confirm'); },
    v: verify,
    r: write,
    p: phrases,
    '?': toggleHelp,
    '？': toggleHelp
  };

  function onKey(event) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || !isOn()) { return; }
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      press('next');
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) { return; }
    if (event.key === 'Escape') {
      if (isTyping(event.target)) { event.target.blur(); } else if (help && help.open) { toggleHelp(); }
      return;
    }
    if (isTyping(event.target)) { return; }
    var act = /^[1-9]$/.test(event.key) ? function () { choose(Number(event.key)); } : KEYS[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  function onClick(event) {
    if (event.target.closest('[data-keys-switch]')) { turn(); return; }
    var button = event.target.closest('[data-phrase]');
    if (button) { phrase(button.dataset.phrase); }
  }

  /* An edited mark is a draft again, whatever it was when the page came. */
  function onSaved() {
    var was = document.querySelector('.mark-state');
    var now = document.querySelector('.mark-state-draft');
    if (was && now) { was.hidden = true; now.hidden = false; }
  }

  show(isOn());
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  if (form) { form.addEventListener('saved', onSaved); }
}());
