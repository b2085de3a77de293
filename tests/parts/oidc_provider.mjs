// An OpenID provider whose people, clients and tempers a test changes while it runs (PUT /test/state), and whose keys
// it rotates (PUT /test/keys): who is signed in and what was issued stays, for it is in the memory of the module.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const place = createRequire(`${folder}/`).resolve('oidc-provider');
const { default: Provider } = await import(place);
// One memory for all: the one that a provider makes for itself is forgotten with it.
const { default: Memory } = await import(new URL('adapters/memory_adapter.js', pathToFileURL(place)));
const issuer = `http://127.0.0.1:${port}`;
const state = { people: {}, clients: [], refuse_refresh: false, rotate: true };

const newKey = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: randomUUID(), use: 'sig', alg: 'RS256',
});

const make = (keys) => new Provider(issuer, {
  jwks: { keys },
  adapter: class extends Memory {},
  clients: [{
    client_id: 'registry', client_secret: 'registry: se%cret', token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    redirect_uris: ['http://registry.test/c/oidc/callback'], post_logout_redirect_uris: ['http://registry.test/'],
  }, {
    client_id: 'another', client_secret: 'another-secret', token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    redirect_uris: ['http://registry.test/c/oidc/callback'],
  }],
  claims: {
    openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'], groups: ['groups'],
  },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
  features: {
    devInteractions: { enabled: true }, revocation: { enabled: true }, rpInitiatedLogout: { enabled: true },
    introspection: { enabled: true },
  },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  rotateRefreshToken: () => state.rotate,
  cookies: { keys: ['test-key'] },
  async findAccount(ctx, id) {
    const person = state.people[id];
    return person && { accountId: id, async claims() { return { sub: id, ...person }; } };
  },
});

let keys = [newKey()];
let handle = make(keys).callback();
http.createServer((request, response) => {
  if (!request.url.startsWith('/test/')) return handle(request, response);
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => {
    const said = JSON.parse(body);
    if (request.url === '/test/keys') {
      keys = [newKey(), ...(said.keep ? keys : [])];
      handle = make(keys).callback();
    } else {
      Object.assign(state, said);
    }
    response.end('{}');
  });
  return undefined;
}).listen(Number(port), '127.0.0.1');
