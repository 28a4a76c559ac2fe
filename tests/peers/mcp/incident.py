"""Incidents as a task of inspect_ai: any model it knows plays one case over seeds, and our debrief scores it.

    pip install inspect_ai mcp
    inspect eval tests/peers/mcp/incident.py --model anthropic/claude-sonnet-4-5 -T case=INC-4127 -T seeds=1,2,3

Each sample has a server of its own (`scartissue mcp` over standard input and output) that plays one case and seed once,
with its sessions in a folder of its own. The model sees tools and nothing else; the debrief is asked for afterwards, by
the scorer, in another process.

Parameters: case, seeds (comma-separated), binary, scenarios (a directory of your own), data (where sessions are kept).
"""

import asyncio
import json
import os
import tempfile
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.agent import as_solver, react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import mcp_server_stdio

PROFILE = "assistants"


def common(sample: dict) -> list[str]:
    more = ["--scenarios", sample["scenarios"]] if sample["scenarios"] else []
    return ["--data-dir", sample["data"], *more]


@solver
def on_call(binary: str) -> Solver:
    """A tool-calling agent over a server that plays this sample's case and seed, once."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        sample = state.metadata
        serve = ["mcp", "--case", sample["case"], "--seed", str(sample["seed"]), "--runs", "1", "--by", str(state.model)]
        server = mcp_server_stdio(name="scartissue", command=binary, args=[*serve, *common(sample)])
        return await as_solver(react(tools=[server]))(state, generate)

    return solve


@scorer(metrics={"*": [mean(), stderr()]})
def debrief(binary: str) -> Scorer:
    """What was true, whether it was said, whether it was proved, and what it did to users."""

    async def score(state: TaskState, target: Target) -> Score:
        sample = state.metadata
        sessions = Path(sample["data"]) / "profiles" / PROFILE / "sessions"
        names = sorted(path.name for path in sessions.glob("run-*"))
        if len(names) != 1:
            # Not begun is not played: it is no zero either.
            return Score.unscored(explanation=f"{len(names)} runs were begun")
        ask = [binary, "debrief", names[0], "--json", "--profile", PROFILE, *common(sample)]
        process = await asyncio.create_subprocess_exec(
            *ask, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        if process.returncode != 0:
            return Score.unscored(explanation=f"no debrief: {err.decode().strip()[-400:]}")
        told = json.loads(out)
        cause, users = told["cause"], told["users"]
        values = {
            "correct": float(cause["credit"]),
            "blamed_decoy": float(cause["blamed_decoy"]),
            "user_minutes_lost": float(users["lost"]),
        }
        if cause["proved"] is not None:
            values["proved"] = float(cause["proved"])
        says = f"said {cause['said']}, was {', '.join(cause['was'])}. {cause['grounding']}"
        return Score(value=values, answer=cause["said"], explanation=says, metadata={"run_id": names[0]})

    return score


@task
def incident(
    case: str = "INC-4127",
    seeds: str = "1",
    binary: str = os.environ.get("SCARTISSUE", "scartissue"),
    scenarios: str = "",
    data: str = "",
) -> Task:
    base = data or tempfile.mkdtemp(prefix="scartissue-inspect-")
    ask = (
        "You are on call. Begin the incident with start_incident, find what hurts users, make it better, and prove what "
        "caused it: submit_diagnosis with evidence, then end_incident. Then submit what you found, in a sentence."
    )

    def sample(seed: str) -> Sample:
        folder = f"{base}/{case}-{seed}"
        metadata = {"case": case, "seed": int(seed), "data": folder, "scenarios": scenarios}
        return Sample(id=f"{case}-{seed}", input=ask, target="", metadata=metadata)

    return Task(
        dataset=MemoryDataset([sample(seed) for seed in str(seeds).split(",")]),
        solver=on_call(binary),
        scorer=debrief(binary),
        message_limit=200,
    )
