// `wharf validate --format sarif` beside the schema of SARIF 2.1.0: of a valid repository, and of one with an error, a warning and
// an error in a devfile. Prints what passed and a closing line.
//   node sarif.mjs REPOSITORY WHARF, in a directory where `npm ci` has run
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import Ajv from "ajv-draft-04";
import addFormats from "ajv-formats";
import { check, finish } from "./report.mjs";

const [root, wharf] = process.argv.slice(2).map((argument) => path.resolve(argument));
const package_ = path.dirname(createRequire(import.meta.url).resolve("@microsoft/jest-sarif/package.json"));
const schema = JSON.parse(readFileSync(path.join(package_, "lib/schemas/sarif-2.1.0-rtm.5.json"), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
addFormats(ajv);
const validate = ajv.compile(schema);

const work = mkdtempSync(path.join(tmpdir(), "wharf-sarif-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
cpSync(path.join(root, "examples/site"), work, { recursive: true, dereference: true });
const sarif = () => {
  const { stdout, status } = spawnSync(wharf, ["validate", "--format", "sarif"], { cwd: work, encoding: "utf8" });
  return { log: JSON.parse(stdout), status };
};

const right = sarif();
check("a valid repository's SARIF is valid", right.status === 0 && validate(right.log), validate.errors);
writeFileSync(path.join(work, "more.yaml"), "apiVersion: wharf/v1\nkind: Class\nmetadata: {name: other}\nspec: {cpu: many, memory: 1Gi, storage: 1Gi}\n");
writeFileSync(path.join(work, "broken.yaml"), "schemaVersion: 2.2.0\ncomponents: [{name: a, contaner: {}}]\n");
const wrong = sarif();
check("a broken repository's SARIF is valid", wrong.status === 1 && validate(wrong.log), validate.errors);
const results = wrong.log.runs[0].results;
check("it has every problem", results.length >= 3 && new Set(results.map((r) => r.level)).size === 2, results);
check("and the rule of each", results.every((r) => wrong.log.runs[0].tool.driver.rules.some((rule) => rule.id === r.ruleId)), results);

finish();
