#!/usr/bin/env python3
"""Other simulators and ours on the same work, in turns, in one run: ratios of time, and whether the results agree.

    python3 benches/peers/run.py [--turns 5] [--only serving|queue]

- serving: NVIDIA Dynamo's mocker and our router and engines, on an hour of Mooncake's chat with four replicas of 6,000
  blocks of 512 tokens, a budget of 8,192 tokens and 256 sequences, and the same step times.
- queue: SimPy and nexosim and our station, on an M/M/8 queue at a load of 0.9.

Peers are installed from their registries into the system's directory for temporary files, and are skipped with the
reason where that fails. Every run has a time limit.
"""

import argparse
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = pathlib.Path(tempfile.gettempdir()) / "scartissue-peers"
INSTALL_LIMIT_S, RUN_LIMIT_S = 600, 120
SERVERS, LOAD, CUSTOMERS = 8, 0.9, 300_000
# Erlang C: P(wait) / (servers - load * servers) at a mean service of 1 s, for 8 servers at 0.9.
EXACT_WAIT_S = 0.876916


class Skip(Exception):
    """Why something could not be run."""


def output(command, limit, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=ROOT, **options)
    except subprocess.TimeoutExpired:
        raise Skip(f"took more than {limit} s")
    except OSError as error:
        raise Skip(str(error))
    if done.returncode != 0:
        raise Skip((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    return done.stdout


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


def python_with(*packages):
    python = WORK / "venv" / "bin" / "python"
    if not python.exists():
        output([sys.executable, "-m", "venv", str(WORK / "venv")], INSTALL_LIMIT_S)
    output([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], INSTALL_LIMIT_S)
    return str(python)


def ours(bench):
    """Builds one of our benches and returns the path of its program."""
    command = ["cargo", "bench", "-q", "--no-default-features", "--bench", bench, "--no-run", "--message-format", "json"]
    for line in output(command, INSTALL_LIMIT_S).splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message["target"]["name"] == bench and message.get("executable"):
            return message["executable"]
    raise Skip(f"no program came of {bench}")


def in_turns(turns, **runs):
    """Runs each so often, one after the other, and again; returns what each printed. Those that cannot run are left out."""
    results = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            if name not in results:
                continue
            try:
                results[name].append(run())
            except Skip as reason:
                print(f"skipped {name}: {reason}")
                del results[name]
    return results


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def mooncake():
    """The built-in trace as a plain Mooncake file: identities written out."""
    plain = WORK / "conversation_trace.jsonl"
    packed = ROOT / "assets" / "traces" / "mooncake-conversation.jsonl.gz"
    with gzip.open(packed, "rt") as source, open(plain, "w") as target:
        for line in source:
            row = json.loads(line)
            ranges = (part if isinstance(part, list) else [part, part] for part in row["hash_ids"])
            row["hash_ids"] = [i for first, last in ranges for i in range(first, last + 1)]
            target.write(json.dumps(row) + "\n")
    return str(plain)


def serving(turns):
    program = ours("replay")
    try:
        python = python_with("ai-dynamo-runtime==1.6.1", "numpy")
    except Skip as reason:
        return print(f"skipped serving: Dynamo's mocker cannot be installed: {reason}")
    trace, table = mooncake(), str(WORK / "steps.npz")
    environment = {**os.environ, "DYN_LOG": "error"}

    def mocker(router):
        row = last_json(output([python, str(HERE / "mocker.py"), trace, router, table], RUN_LIMIT_S, env=environment))
        return {**row["summary"], **row}

    def replay(router, *more):
        row = last_json(output([program, "--trace", trace, "--router", router, *more], RUN_LIMIT_S))
        return {**row, "wall_s": row["read_s"] + row["replay_s"]}

    for router, theirs in (("round_robin", "round_robin"), ("cache_aware", "kv_router")):
        rows = in_turns(turns, mocker=lambda: mocker(theirs), scartissue=lambda: replay(router))
        if len(rows) < 2:
            continue
        mock, own = rows["mocker"], rows["scartissue"]
        print(f"\nserving, {router}: median of {turns} turns, with reading the trace")
        print(f"  mocker      {median(mock, 'wall_s'):8.3f} s   {median(mock, 'cpu_s'):.3f} CPU-s   {median(mock, 'rss_mb'):.0f} MB")
        print(f"  scartissue  {median(own, 'wall_s'):8.3f} s   of which {median(own, 'replay_s'):.4f} s after reading")
        print(f"  ratio       {median(mock, 'wall_s') / median(own, 'wall_s'):8.1f}     {own[0]['simulated_s'] / median(own, 'wall_s'):,.0f} times real time")
        pairs = [("mean TTFT ms", "mean_ttft_ms", "mean_ttft_ms"), ("mean TPOT ms", "mean_tpot_ms", "mean_tpot_ms"),
                 ("mean E2E ms", "mean_e2e_latency_ms", "mean_e2e_ms"), ("hit ratio", "prefix_cache_reused_ratio", "hit_ratio")]
        for name, key, our_key in pairs:
            a, b = median(mock, key), median(own, our_key)
            spread = max(row[key] for row in mock) - min(row[key] for row in mock)
            print(f"  {name:13} mocker {a:10.4f} (spread {spread:.4f})   scartissue {b:10.4f}   {100 * (b / a - 1):+.2f} %")
        print(f"  scartissue's runs are identical: {len({row['hash'] for row in own}) == 1}")
        if router == "cache_aware":
            print("  (two different rules: Dynamo weighs overlap against load, ours follows SGLang; only time is compared)")


def queue(turns):
    arguments = [str(SERVERS), str(LOAD), str(CUSTOMERS)]
    program = ours("stations")
    runs = {"scartissue": lambda seed: [program, "--servers", arguments[0], "--load", arguments[1], "--customers", arguments[2], "--seed", seed]}
    try:
        python = python_with("simpy==4.1.2")
        runs["SimPy"] = lambda seed: [python, str(HERE / "simpy_queue.py"), *arguments, seed]
    except Skip as reason:
        print(f"skipped SimPy: {reason}")
    try:
        target = WORK / "nexosim"
        manifest = str(HERE / "nexosim-queue" / "Cargo.toml")
        output(["cargo", "build", "-q", "--release", "--manifest-path", manifest, "--target-dir", str(target)], INSTALL_LIMIT_S)
        runs["nexosim"] = lambda seed: [str(target / "release" / "nexosim-queue"), *arguments, seed]
    except Skip as reason:
        print(f"skipped nexosim: {reason}")
    seeds = {name: iter(range(1, turns + 1)) for name in runs}
    run = lambda name: lambda: last_json(output(runs[name](str(next(seeds[name]))), RUN_LIMIT_S))
    rows = in_turns(turns, **{name: run(name) for name in runs})
    print(f"\nM/M/{SERVERS} at {LOAD}, {CUSTOMERS:,} customers, median of {turns} turns; exact mean wait {EXACT_WAIT_S:.4f} s")
    own = median(rows["scartissue"], "wall_s")
    for name, found in rows.items():
        waits = [row["mean_wait_s"] for row in found]
        error = statistics.stdev(waits) / len(waits) ** 0.5 if 1 < len(waits) else float("nan")
        wall = median(found, "wall_s")
        print(f"  {name:11} {wall:8.3f} s   {wall / own:6.1f} x ours   mean wait {statistics.mean(waits):.4f} +- {error:.4f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", choices=["serving", "queue"])
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    for name, part in (("serving", serving), ("queue", queue)):
        if options.only in (None, name):
            try:
                part(options.turns)
            except Skip as reason:
                print(f"skipped {name}: {reason}")


if __name__ == "__main__":
    main()
