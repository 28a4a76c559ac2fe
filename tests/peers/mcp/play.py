"""The Python client of the Model Context Protocol plays a whole incident against our server.

Usage: play.py BINARY SCENARIO DATA. Over standard input and output and over HTTP, with the handshake of 2025 and
without one as of 2026. The client holds every structured answer to the tool's output schema by itself, and raises where
one does not fit.
"""

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request

from mcp import Client, StdioServerParameters

BINARY, SCENARIO, DATA = sys.argv[1:4]
SERVE = ["mcp", "--data-dir", DATA, "--case", SCENARIO, "--seed", "5"]

# Tool, arguments, and what has to be in the answer.
INCIDENT = [
    ("get_brief", {}, "small cell"),
    ("get_topology", {}, "lines"),
    ("wait_for_news", {}, "PAGE INC-1001"),
    ("acknowledge_page", {}, "acknowledged at"),
    ("get_status", {}, "API errors above objective"),
    ("search_dashboards", {}, "overview"),
    ("get_dashboard_panel_queries", {"board": "overview"}, "rate("),
    ("look_at_dashboard", {"board": "overview"}, "panels"),
    ("query_prometheus", {"expr": "sum by (pod) (rate(envoy_http_downstream_rq_total[1m]))", "window_s": 600}, "matrix"),
    ("query_loki_logs", {"service": "gateway", "contains": "/error/"}, "facets"),
    ("query_sql", {"sql": "select status, count(*) from requests group by status"}, "columns"),
    ("compare_requests", {"condition": "row < 500"}, "differences"),
    ("search_traces", {"errors_only": True}, "traces"),
    ("list_changes", {"hours": 24}, "base_rate"),
    ("list_alerts", {}, "alerts"),
    ("list_tickets", {}, "tickets"),
    ("search_archive", {"words": "flag"}, "documents"),
    ("kubectl", {"command": "get pods"}, "gateway-0"),
    ("ask_colleague", {"who": "gateway", "about": "errors"}, "says"),
    ("list_mechanisms", {"words": "flag"}, "api.flag"),
    ("believe", {"points": {"api.flag": 70, "other": 30}}, "api.flag leads"),
    ("pin_evidence", {"observation": "E5", "note": "by status", "speaks_for": ["api.flag"]}, "on the board"),
    ("post_update", {"impact_percent": 30, "hypothesis": "api.flag", "sure_percent": 70, "doing": "looking", "next_minutes": 10}, "out"),
    ("arm", {"armed": True}, "armed"),
    ("preview_action", {"action": "restart-gateways"}, "every gateway"),
    ("take_action", {"action": "restart-gateways", "confirm": "gateway"}, "ordered"),
    ("wait", {"seconds": 120}, "it is"),
    ("submit_diagnosis", {
        "points": {"api.flag": 90, "other": 10},
        "causes": [{"mechanism": "api.flag", "component": "gateway", "role": "root"}],
        "evidence": ["E5"],
        "last": True,
    }, "commit 1 is the last"),
    ("end_incident", {}, "closed"),
    ("get_postmortem", {}, "timeline"),
    ("write_postmortem", {"sections": {"impact": "A third of requests failed."}}, "noted"),
]


async def play(server, mode):
    async with Client(server, mode=mode, read_timeout_seconds=120) as client:
        tools = (await client.list_tools()).tools
        named = {tool.name: tool for tool in tools}
        assert all(tool.output_schema and tool.input_schema for tool in tools), "a tool without schemas"
        resources = (await client.list_resources()).resources
        assert {str(r.uri) for r in resources} >= {"scartissue://guide", "scartissue://cases"}, resources
        templates = (await client.list_resource_templates()).resource_templates
        assert any("archive" in t.uri_template for t in templates), templates
        prompts = (await client.list_prompts()).prompts
        assert "investigate" in {p.name for p in prompts}, prompts
        prompt = await client.get_prompt("investigate", {"case": "INC-1001"})
        assert "INC-1001" in prompt.messages[0].content.text

        begun = await client.call_tool("start_incident", {})
        assert not begun.is_error, begun
        run_id = begun.structured_content["run_id"]
        brief = await client.read_resource(f"scartissue://run/{run_id}/brief")
        assert "small cell" in brief.contents[0].text
        elapsed = 0.0
        called = 0
        for tool, arguments, says in INCIDENT:
            result = await client.call_tool(tool, {"run_id": run_id, **arguments})
            text = result.content[0].text
            assert not result.is_error, f"{tool}: {text}"
            assert says in text, f"{tool}: no \"{says}\" in {text[:400]}"
            told = result.structured_content
            assert json.loads(text) == told, f"{tool}: text and structure differ"
            assert told["clock"]["elapsed_s"] == elapsed + told["price_s"], f"{tool}: {told['clock']}"
            elapsed = told["clock"]["elapsed_s"]
            called += 1
        assert told["clock"]["ended"]

        # What is wrong comes back as text that leads on, not as a broken connection.
        wrong = await client.call_tool("query_prometheus", {"run_id": run_id, "exprs": "up"})
        assert wrong.is_error and 'did you mean "expr"' in wrong.content[0].text, wrong
        wrong = await client.call_tool("get_status", {"run_id": "../../seal.json"})
        assert wrong.is_error and "no run_id" in wrong.content[0].text, wrong
        return run_id, called, len(named)


def http_server():
    process = subprocess.Popen([BINARY, *SERVE, "--http", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    assert "http://" in line, line
    return process, line.strip().rsplit(" ", 1)[1]


def refused(url, headers):
    request = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json", **headers})
    try:
        urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


async def goes_on_after_a_kill():
    """The server is killed under a client that is connected; the next one goes on with the run."""
    process, url = http_server()
    async with Client(url, mode="legacy") as client:
        begun = await client.call_tool("start_incident", {})
        run_id = begun.structured_content["run_id"]
        seen = await client.call_tool("query_prometheus", {"run_id": run_id, "expr": "sum(up)"})
    process.kill()
    process.wait()
    process, url = http_server()
    try:
        async with Client(url) as client:
            again = await client.call_tool("get_observation", {"run_id": run_id, "observation": "E1"})
            assert not again.is_error, again
            assert again.structured_content["clock"] == seen.structured_content["clock"], again
    finally:
        process.kill()


def main():
    stdio = StdioServerParameters(command=BINARY, args=SERVE)
    for mode in ["legacy", "auto"]:
        run_id, called, tools = asyncio.run(play(stdio, mode))
        print(f"stdio, {mode}: {tools} tools listed, {called} calls on {run_id}")
    process, url = http_server()
    try:
        for mode in ["legacy", "auto"]:
            run_id, called, tools = asyncio.run(play(url, mode))
            print(f"HTTP, {mode}: {tools} tools listed, {called} calls on {run_id}")
        assert refused(url, {"Host": "evil.example"}) == 403
        assert refused(url, {"Origin": "https://evil.example"}) == 403
    finally:
        process.kill()
    asyncio.run(goes_on_after_a_kill())
    print("goes on after kill -9, under another connection")


main()
