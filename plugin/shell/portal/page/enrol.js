// The page's steps: sign in, register, look after one's devices. The token lives in this module's memory alone.

import { ask, transcript } from './doors.js';

const STATES = {
  pending: 'waiting for approval by an administrator',
  active: 'active',
  revoked: 'removed',
  lost: 'reported lost',
};
const find = (id) => document.getElementById(id);
let signedIn = null;

function element(name, text, { className = '' } = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function button(text, act) {
  const made = element('button', text);
  made.type = 'button';
  made.addEventListener('click', () => attempt(made, act));
  return made;
}

/** Do what a button is for, once at a time, and say what went wrong. */
async function attempt(pressed, act) {
  pressed.disabled = true;
  find('problem').textContent = '';
  try {
    await act();
  } catch (problem) {
    find('problem').textContent = sentence(problem);
  } finally {
    pressed.disabled = false;
  }
}

function sentence(problem) {
  switch (problem.name) {
    case 'NotAllowedError': return 'The device was not registered: you cancelled, or took too long. Please sign in again.';
    case 'InvalidStateError': return 'This device is registered already.';
    case 'NotSupportedError': return 'This device has no security key or screen lock that can be used here.';
    case 'SecurityError': return 'This page was opened under an address at which devices cannot be registered.';
    default: return problem.message;
  }
}

function show(section) {
  find(section).hidden = false;
  find(`${section}-title`).focus();
}

async function offerSignIn() {
  const { providers } = await ask('GET', '/enrol/providers');
  find('providers').replaceChildren(...providers.map(({ issuer, label }) => button(`Sign in with ${label}`, async () => {
    const { url } = await ask('POST', '/enrol/sign-in', { body: { issuer } });
    location.assign(url);
  })));
  find('sign-in').hidden = false;
}

/** Take the provider's answer out of the address at once, and exchange it. */
async function finishSignIn() {
  const answer = new URLSearchParams(location.search);
  history.replaceState(null, '', '/enrol');
  if (!answer.has('code')) throw new Error('You were not signed in. Please try again.');
  const body = Object.fromEntries(['state', 'code', 'iss'].filter((name) => answer.has(name)).map((name) => [name, answer.get(name)]));
  signedIn = await ask('POST', '/enrol/token', { body });
}

async function register() {
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: await transcript(signedIn),
      rp: { name: 'Vestibule' },
      user: { id: crypto.getRandomValues(new Uint8Array(32)), name: find('name').value, displayName: find('name').value },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      // The credential is named at each join, so it needs no place among what a person can choose from.
      authenticatorSelection: { residentKey: 'discouraged', userVerification: 'required' },
      attestation: 'direct',
    },
  });
  const evidence = { format: 'webauthn', challenge_id: signedIn.challenge_id, payload: made.toJSON() };
  const body = { id_token: signedIn.id_token, evidence, name: find('name').value };
  if (find('invitation').value) body.invitation = find('invitation').value.trim();
  const device = await ask('POST', '/v1/enrolments', { body });
  find('register').hidden = true; // its challenge is spent: another device is registered by another sign-in
  const reference = device.state === 'pending' ? ` Reference: ${device.device_id.split(':').at(-1).slice(0, 12)}` : '';
  find('state').textContent = `This device is registered and ${STATES[device.state]}.${reference}`;
  await list();
}

async function list() {
  const { devices } = await ask('GET', '/v1/devices', { token: signedIn.id_token });
  find('list').replaceChildren(...devices.map(item));
  find('devices').hidden = devices.length === 0;
}

function item(device) {
  const shown = document.createElement('li');
  const label = element('label', 'Name');
  const name = document.createElement('input');
  Object.assign(name, { id: `name-of-${device.device_id}`, value: device.name, maxLength: 80 });
  label.htmlFor = name.id;
  const until = new Date(device.expires_at).toLocaleDateString();
  const change = (method, body) => async () => {
    await ask(method, `/v1/devices/${encodeURIComponent(device.device_id)}`, { token: signedIn.id_token, body });
    await list();
    find('state').textContent = 'The change is saved.';
    find('devices-title').focus();
  };
  shown.append(label, name, element('p', `State: ${STATES[device.state]}. Valid until ${until}.`, { className: 'note' }));
  if (device.state === 'pending' || device.state === 'active') {
    shown.append(
      button('Save the name', () => change('PATCH', { name: name.value })()),
      button('Report as lost', change('PATCH', { state: 'lost' })),
      button('Remove', change('DELETE')),
    );
    for (const made of shown.querySelectorAll('button')) made.setAttribute('aria-label', `${made.textContent}: ${device.name}`);
  }
  return shown;
}

async function begin() {
  if (location.pathname !== '/enrol/callback') return offerSignIn();
  try {
    await finishSignIn();
  } catch (problem) {
    await offerSignIn();
    throw problem;
  }
  show('register');
  return list();
}

find('registration').addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  attempt(submitted.submitter ?? find('registration').querySelector('button'), register);
});
begin().catch((problem) => { find('problem').textContent = sentence(problem); });
