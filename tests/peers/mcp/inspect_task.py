"""inspect_ai runs tests/peers/mcp/incident.py with its mock model.

Usage: inspect_task.py BINARY DATA. The mock model follows a script, and takes the run_id out of what the tools
answered before, as a model would.
"""

import importlib.util
import json
import re
import sys
from pathlib import Path

from inspect_ai import eval as run
from inspect_ai.model import ModelOutput, ModelUsage, get_model

BINARY, DATA = sys.argv[1:3]

SCRIPT = [
    ("wait", {"seconds": 240}),
    ("acknowledge_page", {}),
    ("query_loki_logs", {"service": "gateway"}),
    ("query_sql", {"sql": "select status, count(*) from requests group by status"}),
    ("believe", {"points": {"api.flag": 80, "other": 20}}),
    ("submit_diagnosis", {"points": {"api.flag": 90, "other": 10}, "evidence": ["E1", "E2"], "last": True}),
    ("end_incident", {}),
]


def script(messages, tools, tool_choice, config):
    said = sum(1 for message in messages if message.role == "assistant")
    found = re.findall(r"run-[0-9a-f]{20}", json.dumps([m.text for m in messages if m.role == "tool"]))
    names = {tool.name for tool in tools}
    assert {"start_incident", "query_prometheus", "submit_diagnosis", "submit"} <= names, names
    if said == 0:
        tool, arguments = "start_incident", {}
    elif said <= len(SCRIPT):
        tool, arguments = SCRIPT[said - 1]
        arguments = {"run_id": found[-1], **arguments}
    else:
        tool, arguments = "submit", {"answer": "a flag turned on a path that throws"}
    output = ModelOutput.for_tool_call("mockllm/model", tool, arguments)
    # Without it the usage is counted, with a vocabulary from elsewhere.
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output


def main():
    path = Path(__file__).resolve().parent / "incident.py"
    spec = importlib.util.spec_from_file_location("incident", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task = module.incident(case="INC-1001", seeds="5,6", binary=BINARY, data=DATA)
    model = get_model("mockllm/model", custom_outputs=script)
    (log,) = run(task, model=model, log_dir=f"{DATA}/logs", display="none", fail_on_error=True)
    assert log.status == "success", log.error
    assert len(log.samples) == 2
    for sample in log.samples:
        errors = [m.error for m in sample.messages if m.role == "tool" and m.error]
        assert not errors, errors
        (score,) = sample.scores.values()
        assert {"correct", "blamed_decoy", "user_minutes_lost"} <= set(score.value), score
        calls = sum(len(m.tool_calls or []) for m in sample.messages if m.role == "assistant")
        print(f"{sample.id}: {calls} calls, correct {score.value['correct']}, {score.value['user_minutes_lost']:.0f} user-minutes lost")


main()
