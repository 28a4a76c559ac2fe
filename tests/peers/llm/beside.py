"""A model beside whoever plays (`--assistant model`), against a fake provider that others wrote (fakellm, PyPI), in both of its
interfaces, over a line that fails in every way: it advises all the same, or says in a sentence that it cannot.

Usage: beside.py BINARY FAKELLM DATA.
"""

import json
import os
import pathlib
import sys

from fakes import KEY, PROVIDERS, Relay, environment, provider, run

BINARY, FAKELLM, DATA = sys.argv[1:4]
SCENARIO = "tests/data/scenarios/small.ron"

ADVICE = """{claim: "A flag was turned on, and requests fail.", mechanism: MECHANISM, percent: PERCENT, refute: "no change",
      citations: [{look: {kind: board, of: api}, shows: Requests, says: "stands"},
                  {look: {kind: sql, of: "select count(*) from requests"}, shows: n, says: "there are some"}]}"""


def advise(mechanism, percent):
    return "{name: advise, arguments: " + ADVICE.replace("MECHANISM", mechanism).replace("PERCENT", str(percent)) + "}"


# A conversation begins anew with each question; `turn` counts its requests.
SCRIPT = f"""
version: 1
rules:
  - {{name: refuses, when: {{messages_contain: "held against"}}, respond: {{status: 401, error: "no such key"}}}}
  - name: stays
    when: {{messages_contain: "are you sure"}}
    respond: {{tool_calls: [{advise("api.flag", 93)}]}}
  - {{name: limited, when: {{turn: 1}}, respond: {{status: 429, error: "slow down"}}}}
  - name: looks
    when: {{turn: 2, tools_include: look}}
    respond:
      content: "I look around."
      tool_calls: [{{name: look, arguments: {{kind: board, of: api}}}}, {{name: look, arguments: {{kind: board, of: apy}}}},
                   {{name: shell, arguments: {{command: "env"}}}}]
  - {{name: overloaded, when: {{turn: 3}}, respond: {{status: 529, error: "overloaded"}}}}
  - name: slips
    when: {{turn: 4, tool_result_contains: "no tool is called"}}
    respond: {{tool_calls: [{advise("api.flga", 80)}]}}
  - {{name: talks, when: {{turn: 5, tool_result_contains: "api.flag"}}, respond: {{content: "It is the flag."}}}}
  - name: advises
    when: {{turn: 6}}
    respond: {{tool_calls: [{advise("api.flag", 88)}]}}
"""


def main():
    os.makedirs(DATA, exist_ok=True)
    script = f"{DATA}/script.yaml"
    pathlib.Path(script).write_text(SCRIPT)
    for name, prefix, path in PROVIDERS:
        home = f"{DATA}/{name}"
        with provider(FAKELLM, script) as port:
            relay = Relay(port, [None, "cut", None, "noise", None, None, "half", None, "page"])
            env = environment(prefix, relay.port, path)

            def does(*arguments, session="one", keyed=True):
                return run(BINARY, ["do", session, *arguments], home, env if keyed else {})

            model = ["--assistant", "model", "--provider", name, "--model", "model-a"]
            begun = run(BINARY, ["new", SCENARIO, "--seed", "4", "--as", "one", *model], home, env)
            assert begun.returncode == 0, begun.stderr
            for line in ["next", "board api", "commit api.auth_shard 50 E1"]:
                done = does(*line.split())
                assert done.returncode == 0, done.stderr
            first = does("advise")
            assert first.returncode == 0 and "ASSISTANT  88 %  api.flag" in first.stdout, first
            assert relay.met == ["cut", "noise", "half", "page"], relay.met
            pressed = does("advise", "sure?")
            assert "ASSISTANT  93 %  api.flag" in pressed.stdout, pressed
            opened = does("verify", "2")
            assert opened.returncode == 0 and opened.stdout.strip(), opened
            # A provider that wants to be asked another day, one that knows no such key, and nobody at all.
            relay.faults = ["later"]
            later = does("advise")
            assert later.returncode == 1 and "come back tomorrow" in later.stderr, later
            for line in [["pin", "E2", "it stands"], ["link", "E2", "against", "api.flag"]]:
                done = does(*line)
                assert done.returncode == 0, done.stderr
            against = does("advise", "against", "E2")
            assert against.returncode == 1 and "no such key" in against.stderr, against
            alone = does("advise", keyed=False)
            assert alone.returncode == 1 and f"{prefix}_API_KEY" in alone.stderr, alone
            for line in ["adopt", "end"]:
                done = does(line)
                assert done.returncode == 0, done.stderr
            relay.close()
        kept = next(pathlib.Path(home).rglob("advice.jsonl"))
        for file in pathlib.Path(home).rglob("*"):
            assert not file.is_file() or KEY.encode() not in file.read_bytes(), f"the key is in {file}"
        for done in [begun, first, pressed, later, against, alone]:
            assert KEY not in done.stdout + done.stderr, done
        lines = [json.loads(line) for line in kept.read_text().splitlines()]
        failed = [line for line in lines if line["kind"] == "try_failed"]
        assert len(failed) >= 6, [line["kind"] for line in lines]
        # The same again, without a provider.
        recorded = ["--assistant", "recorded", "--advice", str(kept)]
        again = run(BINARY, ["new", SCENARIO, "--seed", "4", "--as", "again", *recorded], home)
        assert again.returncode == 0, again.stderr
        for line in ["next", "board api", "commit api.auth_shard 50 E1"]:
            does(*line.split(), session="again", keyed=False)
        played = does("advise", session="again", keyed=False)
        assert played.stdout == first.stdout, (played, first.stdout)
        print(f"{name}: 429, 529, a broken answer, half of one, noise, a proxy's page, a wrong name: advised, pressed, played back alike")


main()
