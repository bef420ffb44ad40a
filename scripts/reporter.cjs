// mocha's spec reporter, which also leaves its counts in the file AUTOPILOT_COUNTS for
// scripts/test.ts.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class Reporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(
        process.env.AUTOPILOT_COUNTS,
        JSON.stringify({ passed: passes, failed: failures, skipped: pending }),
      );
    });
  }
};
