// An OpenID provider whose people, clients and tempers a test changes while it runs (PUT /test/state).
import http from 'node:http';
import { createRequire } from 'node:module';

const [folder, port] = process.argv.slice(2);
const { default: Provider } = await import(createRequire(`${folder}/`).resolve('oidc-provider'));
const issuer = `http://127.0.0.1:${port}`;
const state = { people: {}, clients: [], refuse_refresh: false, rotate: true };

const provider = new Provider(issuer, {
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

const handle = provider.callback();
http.createServer((request, response) => {
  if (request.url !== '/test/state') return handle(request, response);
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => { Object.assign(state, JSON.parse(body)); response.end('{}'); });
  return undefined;
}).listen(Number(port), '127.0.0.1');
