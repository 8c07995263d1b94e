// Compile one standard-JSON input: node solc.js MODULE < input > output
const solc = require(process.argv[2]);
process.stdout.write(solc.compile(require("fs").readFileSync(0, "utf8")));
