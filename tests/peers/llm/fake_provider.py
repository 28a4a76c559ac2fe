"""Our agent loop plays an incident against a fake provider that others wrote (fakellm, PyPI), in both of its interfaces.

Usage: fake_provider.py BINARY FAKELLM DATA. The provider limits the rate, is overloaded, calls tools, and ends, over a line
on which answers break off or become garbage; then what was recorded is played back without it.
"""

import json
import os
import sys
import urllib.request

from fakes import KEY, PROVIDERS, Relay, environment, provider
from fakes import run as run_program

BINARY, FAKELLM, DATA = sys.argv[1:4]

SCRIPT = """
version: 1
rules:
  - {name: limited, when: {turn: 1}, respond: {status: 429, error: "slow down"}}
  - name: waits
    when: {turn: 2, tools_include: query_prometheus}
    respond:
      content: "I let it page."
      tool_calls: [{name: wait, arguments: {seconds: 240}}, {name: acknowledge_page, arguments: {}}]
  - {name: overloaded, when: {turn: 3}, respond: {status: 529, error: "overloaded"}}
  - name: looks
    when: {turn: 4, tool_result_contains: "acknowledged at"}
    respond:
      tool_calls: [{name: query_sql, arguments: {sql: "select status, count(*) from requests group by status"}}]
  - {name: talks, when: {turn: 5}, respond: {content: "It is the flag."}}
  - name: commits
    when: {turn: 6}
    respond:
      tool_calls:
        - {name: submit_diagnosis, arguments: {points: {api.flag: 90, other: 10}, evidence: [E1], last: true}}
        - {name: end_incident, arguments: {}}
"""


def run(arguments, more_env):
    return run_program(BINARY, ["run", "tests/data/scenarios/small.ron", "--seed", "4", "--as", "llm", *arguments], DATA, more_env)


def main():
    os.makedirs(DATA, exist_ok=True)
    script = f"{DATA}/script.yaml"
    with open(script, "w") as out:
        out.write(SCRIPT)
    for name, prefix, path in PROVIDERS:
        record = f"{DATA}/{name}.jsonl"
        with provider(FAKELLM, script) as port:
            relay = Relay(port, [None, "cut", None, None, "half", None, "noise", None, "page"])
            env = environment(prefix, relay.port, path)
            done = run(["--provider", name, "--model", "model-a", "--record", record, "--json"], env)
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert told["played"]["ending"] == {"how": "closed"}, told["played"]
            assert told["played"]["calls"] == 5 and told["played"]["refused_calls"] == 0, told["played"]
            assert told["played"]["spent"]["turns"] == 4 and told["played"]["spent"]["tokens_in"] > 0
            assert relay.met == ["cut", "half", "noise", "page"], relay.met
            stats = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/_fakellm/stats"))
            by_rule = stats["by_rule"]
            assert all(by_rule.get(rule) == 1 for rule in ["limited", "waits", "overloaded", "looks", "talks", "commits"]), by_rule
            relay.close()
        with open(record) as lines:
            text = lines.read()
        for where, what in [("transcript", text), ("output", done.stdout), ("error output", done.stderr)]:
            assert KEY not in what, f"the key is in the {where}"
        again = run(["--transcript", record, "--json"], {})
        assert again.returncode == 0, again.stderr
        second = json.loads(again.stdout)
        assert second["differing"] == 0 and second["played"] == told["played"], second
        print(f"{name}: 6 requests (429, 529, tools, text) over a line that breaks, cuts and garbles, {told['played']['calls']} calls, blamed {told['blamed']}; played back alike")
    without = run(["--provider", "anthropic", "--model", "model-a"], {})
    assert without.returncode == 3 and "good-sre" in without.stderr and "ANTHROPIC_API_KEY" in without.stderr, without
    print("no key: one sentence, with what there is instead")


main()
