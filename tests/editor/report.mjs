// What the tests here say: a line for each check, and a closing line.
let passed = 0;
let failed = 0;

export const check = (name, holds, detail) => {
  console.log(`${holds ? "ok" : "FAILED"}: ${name}${holds ? "" : `: ${JSON.stringify(detail)}`}`);
  if (holds) passed += 1;
  else failed += 1;
};

export const finish = () => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
};
