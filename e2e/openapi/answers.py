"""What an operation was answered with while schemathesis asked: fails where one was never done.

    answers.py OPENAPI ANSWERS

A run in which everything is refused would find nothing undocumented either.
"""

import json
import sys

# The set-up link is there on an empty server alone; `crates/web/tests/setup.rs` holds these to the description. What
# GitHub says it signs, byte for byte, as `crates/web/tests/leaks.rs` does. And schemathesis reads the description itself
# before it asks.
ELSEWHERE = {"show_set_up", "set_up", "report_github_leaks", "describe"}

description = json.load(open(sys.argv[1]))
answers = json.load(open(sys.argv[2]))
operations = {
    operation["operationId"] for methods in description["paths"].values() for operation in methods.values()
}
done = {name for name, statuses in answers.items() if any(status.startswith("2") for status in statuses)}
never = sorted(operations - done - ELSEWHERE)
asked = sum(sum(statuses.values()) for statuses in answers.values())
refused = {status for statuses in answers.values() for status in statuses if not status.startswith("2")}
print(f"   {asked} questions about {len(answers)} operations; refused with {', '.join(sorted(refused))}")
if never:
    for name in never:
        print(f"   {name} was never done: {answers.get(name, {})}", file=sys.stderr)
    sys.exit("   say in e2e/openapi/stage.py what these need")
