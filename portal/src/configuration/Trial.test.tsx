// A test of an outside service that fails says why in the reader's language, by the code of the server.
import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "../../tests/render.tsx";
import { Trial } from "./Trial.tsx";

const reply = (content: unknown, status = 200) => new Response(JSON.stringify(content), { status, headers: { "Content-Type": "application/json" } });
const STEP = { success: true, milliseconds: 1, message: "127.0.0.1", reason: "" };

async function press(answer: Response, service: "ldap" | "oidc", button: string): Promise<void> {
  vi.stubGlobal("fetch", async () => answer);
  await show(() => <Trial service={service} values={{}} onRefused={() => false} asked={0} />, { language: "zh-CN" });
  fireEvent.click(screen.getByRole("button", { name: button }));
}

test("a step of the directory that failed has the text of its code, and the server's sentence beside", async () => {
  const failed = { name: "bind", success: false, milliseconds: 2, message: "result code 49", reason: "LDAP_CREDENTIALS" };
  await press(reply({ success: false, message: "bind: result code 49", reason: "LDAP_CREDENTIALS", steps: [{ name: "connect", ...STEP }, failed] }), "ldap", "测试目录服务");
  expect(await screen.findByText(/目录服务不接受搜索账户/)).toBeTruthy();
  expect(screen.getByText("result code 49").getAttribute("lang")).toBe("en");
});

test("without a step that failed the reason of the whole test is said", async () => {
  await press(reply({ success: false, message: "bind: the search account has no password", reason: "LDAP_NO_PASSWORD", steps: [] }), "ldap", "测试目录服务");
  expect(await screen.findByText(/搜索账户没有密码/)).toBeTruthy();
});

test("a code without a text leaves the server's own sentence", async () => {
  await press(reply({ success: false, message: "search: result code 80", reason: "", steps: [{ ...STEP, name: "search", success: false, message: "result code 80" }] }), "ldap", "测试目录服务");
  expect((await screen.findByText("result code 80")).getAttribute("lang")).toBe("en");
});

test("a provider that is refused has the text of its finer code with its values", async () => {
  const detail = { reason: "OIDC_SETTINGS_INVALID", which: "OIDC_NOT_FOUND", status: 404 };
  await press(reply({ errors: [{ code: "BAD_REQUEST", message: "This provider cannot be used. It answers 404.", detail }] }, 400), "oidc", "测试身份提供方");
  expect(await screen.findByText(/返回状态 404/)).toBeTruthy();
});
