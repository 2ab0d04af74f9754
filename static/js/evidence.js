/* Uploads evidence while the page stays: several files, one after another, each with its progress and a way to stop it.
   Without this file the form posts all of them at once. Words come from data attributes of [data-evidence]. */
(function () {
  'use strict';

  if (!window.FormData || !window.XMLHttpRequest) { return; }
  document.querySelectorAll('[data-evidence]').forEach(start);

  function start(section) {
    var input = section.querySelector('input[type="file"]');
    var list = section.querySelector('[data-evidence-list]');
    var queue = section.querySelector('[data-evidence-queue]');
    var zone = section.querySelector('[data-evidence-drop]');
    var live = section.querySelector('[data-evidence-live]');
    var form = input && input.form;
    if (!form || !queue) { return; }
    var waiting = [];                           // files that have not left yet
    var running = null;

    function word(key, values) {
      var text = section.dataset[key] || '';
      Object.keys(values || {}).forEach(function (name) { text = text.replace('{' + name + '}', values[name]); });
      return text;
    }

    function say(text) { live.textContent = text; }

    function part(item, tag, className, text) {
      var made = document.createElement(tag);
      if (className) { made.className = className; }
      if (text) { made.textContent = text; }
      return item.appendChild(made);
    }

    function button(item, text, name, act) {
      var made = part(item, 'button', 'btn btn-small', text);
      made.type = 'button';
      made.setAttribute('aria-label', text + ' ' + name);
      made.addEventListener('click', act);
      return made;
    }

    function add(files) {
      var locator = form.elements.locator;
      var pages = locator ? locator.value : '';
      if (locator) { locator.value = ''; }
      Array.prototype.forEach.call(files, function (file) {
        var row = document.createElement('li');
        var job = { file: file, row: row, locator: pages, request: null, over: false };
        part(row, 'span', 'upload-name', file.name);
        job.bar = part(row, 'progress');
        job.bar.max = 100;
        job.bar.value = 0;
        job.bar.setAttribute('aria-label', file.name);
        job.state = part(row, 'span', 'upload-state', word('waiting'));
        job.stop = button(row, word('cancel'), file.name, function () { cancel(job); });
        queue.appendChild(row);
        queue.hidden = false;
        waiting.push(job);
      });
      next();
    }

    function next() {
      if (running || !waiting.length) { return; }
      running = waiting.shift();
      send(running);
    }

    function send(job) {
      var body = new FormData();
      body.append('csrfmiddlewaretoken', form.elements.csrfmiddlewaretoken.value);
      body.append('locator', job.locator);
      body.append('file', job.file, job.file.name);
      var request = new XMLHttpRequest();
      job.request = request;
      request.open('POST', section.dataset.url);
      request.setRequestHeader('X-Autosave', '1');
      request.upload.addEventListener('progress', function (event) {
        if (!event.lengthComputable) { return; }
        var percent = Math.floor(100 * event.loaded / event.total);
        job.bar.value = percent;
        job.state.textContent = percent < 100 ? word('sending', { percent: percent }) : word('checking');
      });
      request.addEventListener('load', function () { answered(job, request); });
      request.addEventListener('error', function () { refuse(job, word('failed')); });
      request.send(body);
    }

    function answered(job, request) {
      var answer = {};
      try { answer = JSON.parse(request.responseText); } catch (error) { /* not ours */ }
      if (request.status === 201) {
        say(job.file.name + ' ' + answer.message);
        close(job);
        refresh();
      } else if (request.status === 401) {
        refuse(job, word('expired'));
      } else if (request.status === 413) {
        refuse(job, word('tooLarge'));
      } else {
        refuse(job, answer.message || word('failed'), answer.cite);
      }
    }

    /* What is wrong stays beside the file until the person has read it; the others go on. */
    function refuse(job, text, offer) {
      job.over = true;
      job.row.removeChild(job.bar);
      job.row.removeChild(job.stop);
      job.state.textContent = text;
      job.state.classList.add('is-error');
      if (offer) {
        var citing = button(job.row, offer.label, job.file.name, function () {
          citing.disabled = true;
          cite(job, offer);
        });
      }
      button(job.row, word('remove'), job.file.name, function () { close(job); });
      say(text);
      done(job);
    }

    function cite(job, offer) {
      var body = new FormData();
      body.append('csrfmiddlewaretoken', form.elements.csrfmiddlewaretoken.value);
      body.append('evidence', offer.evidence);
      fetch(offer.url, { method: 'POST', body: body, headers: { 'X-Autosave': '1' }, credentials: 'same-origin' })
        .then(function (response) {
          return response.json().then(function (answer) {
            if (response.status === 201) { close(job); refresh(); } else { job.state.textContent = answer.message; }
            say(answer.message);
          });
        })
        .catch(function () { job.state.textContent = word('failed'); });
    }

    function cancel(job) {
      var at = waiting.indexOf(job);
      if (at >= 0) { waiting.splice(at, 1); }
      if (job.request) { job.request.abort(); }
      say(job.file.name + ' ' + word('cancelled'));
      close(job);
      refresh();                                // the server may have had it already
    }

    function close(job) {
      if (job.row.parentNode) { queue.removeChild(job.row); }
      queue.hidden = !queue.firstChild;
      done(job);
    }

    function done(job) {
      job.over = true;
      if (running === job) { running = null; next(); }
    }

    function refresh() {
      fetch(section.dataset.url, { headers: { 'X-Autosave': '1' }, credentials: 'same-origin' })
        .then(function (response) { return response.ok ? response.text() : null; })
        .then(function (html) { if (html !== null) { list.innerHTML = html; } })
        .catch(function () { /* the next page shows it */ });
    }

    /* The form that holds the section saves itself: choosing a file is no change of the answer. What is chosen goes up
       with the button beside it; with any other button it goes along with the form. */
    ['change', 'input'].forEach(function (name) {
      input.addEventListener(name, function (event) { event.stopPropagation(); });
      if (form.elements.locator) {
        form.elements.locator.addEventListener(name, function (event) { event.stopPropagation(); });
      }
    });
    section.querySelector('[data-evidence-submit]').addEventListener('click', function (event) {
      if (!input.files.length) { return; }
      event.preventDefault();
      add(input.files);
      input.value = '';
    });

    function hasFiles(event) {
      return event.dataTransfer && Array.prototype.indexOf.call(event.dataTransfer.types, 'Files') >= 0;
    }
    ['dragenter', 'dragover'].forEach(function (name) {
      zone.addEventListener(name, function (event) {
        if (hasFiles(event)) { event.preventDefault(); zone.classList.add('is-over'); }
      });
    });
    zone.addEventListener('dragleave', function (event) {
      if (!zone.contains(event.relatedTarget)) { zone.classList.remove('is-over'); }
    });
    zone.addEventListener('drop', function (event) {
      if (!hasFiles(event)) { return; }
      event.preventDefault();
      zone.classList.remove('is-over');
      add(event.dataTransfer.files);
    });

    window.addEventListener('beforeunload', function (event) {
      if (running || waiting.length) { event.preventDefault(); event.returnValue = ''; }
    });
  }
}());
