// A foreign identity provider for the tests: three public clients, two people, two signing keys.
// PORT=0 takes any free port. Prints `listening PORT` when it serves. POST /rotate publishes new keys and signs with them. POST /sign-out
// tells the client at `uri` that a session of `sub` has ended, as the provider does when somebody signs out.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

// The browser of the tests stops before it, where it is not a page of ours.
const REDIRECT_URI = process.env.REDIRECT_URI ?? 'https://vestibule.example.com/callback';
const OURS = 'https://vestibule.example.com';
const ID_TOKEN_SECONDS = 300;
const GROUPS = { alice: ['staff', 'board'], bob: ['staff'] };
const AMR_OF_ACR = { 'urn:example:password': ['pwd'], 'urn:example:mfa': ['pwd', 'otp', 'mfa'], phr: ['hwk', 'user'] };
const DEFAULT_ACR = 'urn:example:password';

function newKeys() {
  const pairs = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('rsa', { modulusLength: 2048 })];
  return pairs.map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig' }));
}

function publicClient(id, algorithm) {
  return {
    client_id: id,
    token_endpoint_auth_method: 'none',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    id_token_signed_response_alg: algorithm,
  };
}

async function loadExistingGrant(ctx) {
  const grant = new ctx.oidc.provider.Grant({
    clientId: ctx.oidc.client.clientId,
    accountId: ctx.oidc.session.accountId,
  });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

function findAccount(ctx, accountId) {
  const groups = GROUPS[accountId];
  return groups && { accountId, claims: () => ({ sub: accountId, groups }) };
}

function configuration(keys, logoutUri) {
  const told = logoutUri && { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true };
  return {
    clients: [{ ...publicClient('vestibule', 'ES256'), ...told }, publicClient('vestibule-rsa', 'RS256'), publicClient('payroll', 'ES256')],
    jwks: { keys },
    cookies: { keys: ['only-for-tests'] },
    claims: { openid: ['sub', 'groups'], acr: null, amr: null, auth_time: null, sid: null },
    conformIdTokenClaims: false, // the claims of `openid` belong into the ID token
    acrValues: Object.keys(AMR_OF_ACR),
    ttl: { IdToken: ID_TOKEN_SECONDS, AccessToken: ID_TOKEN_SECONDS, Session: 600, Interaction: 600, Grant: 600 },
    fetch: (url, { dispatcher, agent, ...options }) => fetch(url, options), // it would not speak to a loopback address
    findAccount,
    loadExistingGrant,
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://conferences.example.com',
        useGrantedResource: () => true,
        // Where nobody asks for ours, an access token with the client as its audience: only `typ` tells it from an ID
        // token (RFC 9068).
        getResourceServerInfo: (ctx, indicator, client) => ({
          scope: 'join',
          audience: indicator === OURS ? OURS : client.clientId,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}

async function showLogin(response, uid) {
  response.setHeader('Content-Type', 'text/html');
  response.end(`<form method="post" action="/interaction/${uid}"><input name="account" required><button>Sign in</button></form>`);
}

async function finishLogin(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
  const acr = params.acr_values?.split(' ')[0] ?? DEFAULT_ACR;
  const login = { accountId: body.get('account'), acr, amr: AMR_OF_ACR[acr] };
  await provider.interactionFinished(request, response, { login });
}

const server = createServer();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const { port } = server.address();
  const issuer = `http://127.0.0.1:${port}`;
  let keys = newKeys();
  let provider = new Provider(issuer, configuration(keys));

  server.on('request', async (request, response) => {
    const [, interaction] = request.url.match(/^\/interaction\/([\w-]+)$/) ?? [];
    if (request.method === 'POST' && request.url === '/rotate') {
      keys = [...newKeys(), ...keys]; // the first that fits signs; the others stay published
      provider = new Provider(issuer, configuration(keys));
      response.writeHead(204).end();
    } else if (request.method === 'POST' && request.url === '/sign-out') {
      const { uri, sub, sid } = Object.fromEntries(new URLSearchParams(Buffer.concat(await request.toArray()).toString()));
      const client = await new Provider(issuer, configuration(keys, uri)).Client.find('vestibule');
      await client.backchannelLogout(sub, sid);
      response.writeHead(204).end();
    } else if (interaction && request.method === 'POST') {
      await finishLogin(provider, request, response);
    } else if (interaction) {
      await showLogin(response, interaction);
    } else {
      provider.callback()(request, response);
    }
  });
  console.log(`listening ${port}`);
});
