#!/usr/bin/env bash
# The protocol's own inspector lists and calls our tools, over stdio and over HTTP.
# Usage: inspector.sh INSPECTOR BINARY SCENARIO DATA, with INSPECTOR as a command.
set -euo pipefail
inspector="$1" binary="$2" scenario="$3" data="$4"
serve=(mcp --data-dir "$data" --case "$scenario" --seed 5)
mkdir -p "$data"

# says WORD COMMAND...: the command's output has the word.
says() {
  local word="$1"; shift
  local out
  out="$("$@" 2>&1)" || { echo "$out" | tail -20; echo "failed: $*"; exit 1; }
  grep -q -- "$word" <<<"$out" || { echo "$out" | tail -20; echo "no \"$word\" from: $*"; exit 1; }
}

asks() {
  local calls=0 target=("$@")
  says query_prometheus $inspector --cli "${target[@]}" --method tools/list
  says 'run/{run_id}/archive' $inspector --cli "${target[@]}" --method resources/templates/list
  says investigate $inspector --cli "${target[@]}" --method prompts/list
  says INC-1001 $inspector --cli "${target[@]}" --method tools/call --tool-name list_cases
  local begun run
  begun="$($inspector --cli "${target[@]}" --method tools/call --tool-name start_incident)"
  run="$(grep -o 'run-[0-9a-f]\{20\}' <<<"$begun" | head -1)"
  says 'E1' $inspector --cli "${target[@]}" --method tools/call --tool-name query_prometheus --tool-arg "run_id=$run" --tool-arg 'expr=sum(up)'
  says 'gateway-0' $inspector --cli "${target[@]}" --method tools/call --tool-name kubectl --tool-arg "run_id=$run" --tool-arg 'command=get pods'
  says 'armed' $inspector --cli "${target[@]}" --method tools/call --tool-name arm --tool-arg "run_id=$run" --tool-arg 'armed=true'
  says 'ordered' $inspector --cli "${target[@]}" --method tools/call --tool-name take_action --tool-arg "run_id=$run" --tool-arg 'action=restart-gateways' --tool-arg 'confirm=gateway'
  says 'commit 1 is the last' $inspector --cli "${target[@]}" --method tools/call --tool-name submit_diagnosis --tool-arg "run_id=$run" --tool-arg 'points={"api.flag": 90, "other": 10}' --tool-arg 'causes=[{"mechanism": "api.flag", "component": "gateway", "role": "root"}]' --tool-arg 'evidence=["E1"]' --tool-arg 'last=true'
  says 'closed' $inspector --cli "${target[@]}" --method tools/call --tool-name end_incident --tool-arg "run_id=$run"
}

"$binary" "${serve[@]}" --http 127.0.0.1:0 2>"$data/serving" &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 100); do grep -q http:// "$data/serving" && break; sleep 0.1; done
url="$(grep -o 'http://[^ ]*' "$data/serving")"
arguments="$(printf '"%s", ' "${serve[@]}")"
cat >"$data/servers.json" <<JSON
{"mcpServers": {"pipes": {"type": "stdio", "command": "$binary", "args": [${arguments%, }]},
                "http": {"type": "streamable-http", "url": "$url"}}}
JSON
asks --config "$data/servers.json" --server pipes
echo "stdio: tools, templates and prompts listed, a whole incident: begun, looked at, acted on, committed and ended, a process for each call"
asks --config "$data/servers.json" --server http
echo "HTTP: the same"
