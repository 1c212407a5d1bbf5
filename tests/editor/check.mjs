// schema/ in an editor: the YAML language server, given wharf.json, finds nothing wrong with the shipped examples, finds what
// is wrong with a broken one, and completes keys and values. Prints what passed and a closing line.
//   node check.mjs REPOSITORY, in a directory where `npm ci` has run
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { check, finish } from "./report.mjs";

const root = path.resolve(process.argv[2]);
const server = spawn("node_modules/.bin/yaml-language-server", ["--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = new Map();
const diagnostics = new Map();
let number = 0;
let buffer = Buffer.alloc(0);

const send = (message) => {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
};
const request = (method, params) =>
  new Promise((resolve) => {
    number += 1;
    waiting.set(number, resolve);
    send({ id: number, method, params });
  });
const notify = (method, params) => send({ method, params });

const settings = {
  yaml: {
    schemas: { [pathToFileURL(path.join(root, "schema/wharf.json")).href]: "*.yaml" },
    schemaStore: { enable: false },
    validate: true,
    completion: true,
  },
};

const received = (message) => {
  if (message.method === "workspace/configuration") {
    const asked = message.params.items.map((item) => settings[item.section] ?? {});
    send({ id: message.id, result: asked });
  } else if (message.method === "textDocument/publishDiagnostics") {
    const { uri, diagnostics: found } = message.params;
    diagnostics.get(uri)?.(found);
  } else if (message.id !== undefined && message.method) {
    send({ id: message.id, result: null });
  } else if (message.id !== undefined) {
    waiting.get(message.id)(message.result);
    waiting.delete(message.id);
  }
};
server.stdout.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (;;) {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end))[1]);
    if (buffer.length < end + 4 + length) return;
    const body = buffer.subarray(end + 4, end + 4 + length).toString();
    buffer = buffer.subarray(end + 4 + length);
    received(JSON.parse(body));
  }
});

let documents = 0;
// Opens a text and answers with its address and what is wrong with it.
const open = async (text) => {
  documents += 1;
  const uri = `file:///editor/${documents}.yaml`;
  const found = new Promise((resolve) => diagnostics.set(uri, resolve));
  notify("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
  return { uri, found: await found };
};
// What is offered where `|` stands in the text.
const complete = async (marked) => {
  const before = marked.slice(0, marked.indexOf("|")).split("\n");
  const { uri } = await open(marked.replace("|", ""));
  const position = { line: before.length - 1, character: before.at(-1).length };
  const result = await request("textDocument/completion", { textDocument: { uri }, position });
  return (result.items ?? result).map((item) => item.label);
};

await request("initialize", {
  processId: process.pid,
  rootUri: null,
  capabilities: {
    workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
    textDocument: { completion: { completionItem: { snippetSupport: false } }, publishDiagnostics: {} },
  },
});
notify("initialized", {});
notify("workspace/didChangeConfiguration", { settings });

const site = path.join(root, "examples/site");
const example = readFileSync(path.join(site, "classes.yaml"), "utf8");
const line = example.split("\n").findIndex((text) => text.includes("memory:"));
// The server may check a text before it has the schema, and then finds nothing. So the mistyped key is opened until it is
// found; what ends a server that never finds it is the time limit of scripts/editor.
const isMistyped = (d) => d.range.start.line === line && d.message.includes("memroy");
let typo;
do typo = await open(example.replace("memory:", "memroy:"));
while (!typo.found.some(isMistyped));
check("a mistyped key of an example is found on its line", true);
const amount = await open(example.replace(/memory: [^,}\n]+/, "memory: [much]"));
check("a wrong value is found on its line", amount.found.some((d) => d.range.start.line === line), amount.found);

const manifests = ["wharf.yaml", "classes.yaml", "users.yaml", ...readdirSync(path.join(site, "workspaces")).map((file) => `workspaces/${file}`)];
for (const file of manifests) {
  const { found } = await open(readFileSync(path.join(site, file), "utf8"));
  check(`examples/site/${file} is right`, found.length === 0, found);
}

const head = "apiVersion: wharf/v1\nkind: Workspace\nmetadata: {name: api}\nspec:\n  owner: alice\n";
const keys = await complete(`${head}  |\n`);
check("the keys of a Workspace are offered", ["devfile", "class", "power", "storage"].every((key) => keys.includes(key)), keys);
check("keys of other kinds are not", !keys.includes("imageMap") && !keys.includes("quota"), keys);
const words = await complete(`${head}  power: |\n`);
check("the words of a key are offered", ["on", "off", "auto"].every((word) => words.some((label) => label.replaceAll('"', "") === word)), words);
const kinds = await complete("apiVersion: wharf/v1\nkind: |\n");
check("the kinds are offered", ["Site", "User", "Class", "Workspace"].every((kind) => kinds.includes(kind)), kinds);

server.kill();
finish();
