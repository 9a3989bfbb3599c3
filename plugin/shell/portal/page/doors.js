// What the page asks the service, and the 32 bytes that a device signs. It keeps nothing.

/** Ask a door. Throws an Error with a sentence for the person where it refuses. */
export async function ask(method, path, { body, token } = {}) {
  const headers = {};
  if (body) headers['Content-Type'] = 'application/json';
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, {
    method, headers, body: body && JSON.stringify(body), cache: 'no-store', credentials: 'same-origin', redirect: 'error',
  }).catch(() => { throw new Error('The service could not be reached. Please try again.'); });
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  if (answer.status === 429) throw new Error('Too many attempts. Please wait a minute and try again.');
  const sentences = (told.reasons ?? []).map((reason) => reason.message);
  const reference = told.decision_id ? ` (Reference: ${told.decision_id})` : '';
  throw new Error((sentences.join(' ') || 'This did not work. Please try again.') + reference);
}

const octets = (text) => new TextEncoder().encode(text);

export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
}

/** T (ARCHITECTURE.md, Binding) of an enrolment: each part stands behind its length. */
export async function transcript({ tenant, origin, challenge_id: nonce, id_token: token }) {
  const tokenHash = new Uint8Array(await crypto.subtle.digest('SHA-256', octets(token)));
  const parts = ['vestibule/v1', 'enrol', tenant, origin, ''].map(octets);
  parts.push(fromBase64url(nonce), tokenHash);
  const whole = parts.flatMap((part) => [0, 0, part.length >> 8, part.length & 0xff, ...part]);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(whole)));
}
