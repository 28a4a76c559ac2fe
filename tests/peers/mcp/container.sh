#!/usr/bin/env bash
# An agent in a container that reaches nothing but the server's MCP over HTTP, as README shows it: it plays with its token,
# is refused without one, and finds neither the world outside, nor the machine below, nor the server's files.
# Usage: container.sh BINARY WORK, with docker or podman and a static busybox; 77: no container can be started here.
set -uo pipefail
binary="$1" work="$2"
mkdir -p "$work/server/bin" "$work/server/tmp" "$work/agent/bin" "$work/agent/tmp"
skipped() { echo "$1"; exit 77; }

busybox="$(command -v busybox)" || skipped "busybox-static cannot be had here"
cp "$binary" "$work/server/bin/scartissue"
ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$work/server$(dirname "$library")" && cp -L "$library" "$work/server$library"
done
cp "$busybox" "$work/agent/bin/busybox"
for name in sh wget nc ls cat; do ln -sf busybox "$work/agent/bin/$name"; done

# Where limits are already low, or control groups old, containers start with these.
usual=()
narrow=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
engine=()
for tried in "docker" "podman" "podman --runtime runc --cgroup-manager cgroupfs"; do
  read -r -a engine <<<"$tried"
  command -v "${engine[0]}" >/dev/null || continue
  "${engine[@]}" info >/dev/null 2>&1 || continue
  tar -C "$work/agent" -c . | "${engine[@]}" import - scartissue-peer-agent >/dev/null 2>&1 || continue
  "${engine[@]}" run --rm --network none scartissue-peer-agent /bin/sh -c true >/dev/null 2>&1 && break
  "${engine[@]}" run --rm --network none "${narrow[@]}" scartissue-peer-agent /bin/sh -c true >/dev/null 2>&1 \
    && usual=("${narrow[@]}") && break
  engine=()
done
[ ${#engine[@]} -gt 0 ] || skipped "neither docker nor podman can start a container here"
tar -C "$work/server" -c . | "${engine[@]}" import - scartissue-peer-server >/dev/null || skipped "no image can be made here"

network="scartissue-peer-$$"
cleared() {
  "${engine[@]}" rm -f "$network-server" >/dev/null 2>&1
  "${engine[@]}" network rm "$network" >/dev/null 2>&1
  "${engine[@]}" rmi -f scartissue-peer-server scartissue-peer-agent >/dev/null 2>&1
}
trap cleared EXIT
"${engine[@]}" network create --internal "$network" >/dev/null || skipped "no network of its own can be made here"
token="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
printf 'participant %s model-a\n' "$token" >"$work/tokens"
"${engine[@]}" run -d ${usual[@]+"${usual[@]}"} --network "$network" --name "$network-server" -v "$work/tokens:/tokens:ro" \
  scartissue-peer-server /bin/scartissue mcp --http 0.0.0.0:7070 --token-file /tokens --allow-host "$network-server" \
  --data-dir /tmp/data >/dev/null 2>"$work/started" || skipped "the server's container does not start: $(tail -1 "$work/started")"

cat >"$work/agent.sh" <<'AGENT'
ask() {
  wget -q -O - --header "Authorization: Bearer $2" --header 'Content-Type: application/json' \
    --header 'Accept: application/json, text/event-stream' --header 'MCP-Protocol-Version: 2025-06-18' --post-data "$1" "http://$SERVER:7070/mcp" 2>&1
}
begun='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"agent","version":"1"}}}'
for n in 1 2 3 4 5 6 7 8 9 10; do ask "$begun" "$TOKEN" | grep -q serverInfo && break; sleep 1; done
ask "$begun" "$TOKEN" | grep -q serverInfo && echo "PLAYS"
ask "$begun" wrong | grep -q 401 && echo "REFUSED"
nc -w 4 1.1.1.1 80 </dev/null >/dev/null 2>&1 || echo "NO-WAY-OUT"
for port in 22 80 443 8080; do nc -w 2 "$SERVER" $port </dev/null >/dev/null 2>&1 && echo "OPEN $port"; done
ls /tokens /tmp/data /data 2>/dev/null | grep . || echo "NO-FILES"
AGENT
told="$("${engine[@]}" run --rm ${usual[@]+"${usual[@]}"} --network "$network" -e TOKEN="$token" -e SERVER="$network-server" \
  -v "$work/agent.sh:/agent.sh:ro" scartissue-peer-agent /bin/sh /agent.sh 2>/dev/null)"
for word in PLAYS REFUSED NO-WAY-OUT NO-FILES; do
  grep -q "^$word" <<<"$told" || { echo "not so: $word"; echo "$told"; "${engine[@]}" logs "$network-server" 2>&1 | tail -5; exit 1; }
done
if grep -q '^OPEN' <<<"$told"; then echo "more is open than the server's port"; echo "$told"; exit 1; fi
echo "${engine[0]}: an agent in a network without a way out reaches the server with its token, and nothing else"
