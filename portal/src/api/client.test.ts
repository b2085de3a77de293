// A session that is not the one that this page knew, as the server's replies tell it.
import { beforeEach, expect, test, vi } from "vitest";
import type { Watch } from "./client.ts";

type Reply = [status: number, token: string, body?: unknown];
let asked: string[] = [];
let replies: Reply[] = [];
let client: typeof import("./client.ts");
const watch = { over: vi.fn<Watch["over"]>(), changed: vi.fn<Watch["changed"]>(), gate: vi.fn<Watch["gate"]>() };

beforeEach(async () => {
  vi.resetModules();
  client = await import("./client.ts");
  asked = [];
  watch.over.mockReset().mockResolvedValue(false);
  watch.changed.mockReset().mockResolvedValue(false);
  watch.gate.mockReset().mockReturnValue(undefined);
  client.watchSession(watch);
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    asked.push(`${init.method ?? "GET"} ${url} ${new Headers(init.headers).get("X-Harbor-CSRF-Token") ?? ""}`.trim());
    const [status, token, body = {}] = replies.shift() ?? [500, ""];
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...(token ? { "X-Harbor-CSRF-Token": token } : {}) } }));
  });
});

const read = () => client.call("GET /systeminfo");
const write = () => client.call("POST /projects", { body: { project_name: "team" } });

test("what another session may see is not handed out, and asked again once the same person is back", async () => {
  replies = [[200, "mine"], [200, "theirs", { auth_mode: "of somebody else" }], [200, "mine", { auth_mode: "mine" }]];
  watch.changed.mockResolvedValue(true);
  await read();
  expect((await read()).data.auth_mode).toBe("mine");
  expect(watch.changed).toHaveBeenCalledExactlyOnceWith(true);
});

test("a reply without a session is as good as another one's", async () => {
  replies = [[200, "mine"], [200, "", { auth_mode: "public" }]];
  await read();
  await expect(read()).rejects.toMatchObject({ status: 401 });
});

test("what was typed here is not sent by somebody else's session", async () => {
  replies = [[200, "mine"], [403, "theirs", { errors: [{ code: "DENIED", message: "", detail: { reason: "CSRF_TOKEN_INVALID" } }] }]];
  await read();
  await expect(write()).rejects.toMatchObject({ status: 401 });
  expect(watch.changed).toHaveBeenCalledExactlyOnceWith(false);
  expect(asked).toEqual(["GET /api/v2.0/systeminfo", "POST /api/v2.0/projects mine"]);
});

test("a session that ended is signed in to again, and the same request goes again with its new token", async () => {
  replies = [[200, "mine"], [401, "", { errors: [] }], [200, "new"], [200, "new", {}], [201, "new"]];
  watch.over.mockImplementation(async () => {
    (await client.whoNow()).accept();
    return true;
  });
  await read();
  await write();
  expect(asked.at(-1)).toBe("POST /api/v2.0/projects new");
});

test("nobody asks while a person is asked who they are, but the form that asks them", async () => {
  let open: (value: unknown) => void = () => undefined;
  watch.gate.mockReturnValue(new Promise((resolve) => (open = resolve)));
  replies = [[200, ""], [200, "mine"], [200, "mine"]];
  const waits = read();
  await client.submit("/c/login", { principal: "alice" });
  await client.call("GET /users/current", { free: true });
  expect(asked).toEqual(["POST /c/login", "GET /api/v2.0/users/current"]);
  open(undefined);
  await waits;
});
