// Renders every ZPL file of labels.tsv with zpl-renderer-js into NAME.zebrash.png.
const fs = require("node:fs");
const [library, folder] = process.argv.slice(2);
globalThis.crypto ??= require("node:crypto").webcrypto; // Node.js 18 has it only here.
const { ready } = require(library);

ready.then(async ({ api }) => {
  for (const line of fs.readFileSync(`${folder}/labels.tsv`, "utf8").trim().split("\n")) {
    const [name, dotsPerMm, width, height] = line.split("\t");
    const zpl = fs.readFileSync(`${folder}/${name}.zpl`, "utf8");
    const png = await api.zplToBase64Async(zpl, Number(width), Number(height), Number(dotsPerMm));
    fs.writeFileSync(`${folder}/${name}.zebrash.png`, Buffer.from(png, "base64"));
  }
  process.exit(0);
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
