#!/usr/bin/env bash
# Sumo searches over Sysmon events as JSON lines, each in turn with angle-grinder on the same file.
#
#   scripts/bench-sumo.sh [LINES] [RUNS]
#
# PARALLAX and AGRIND name the two programs; CPUS (as taskset takes them) the processors. Prints for each query the
# medians of wall and CPU seconds, the ratios of the medians, and whether both found the same.
set -euo pipefail
cd "$(dirname "$0")/.."
lines=${1:-1000000} runs=${2:-5}
parallax=${PARALLAX:-target/release/parallax} agrind=${AGRIND:-agrind}
pin=(); [[ -n "${CPUS:-}" ]] && pin=(taskset -c "$CPUS")
input=${TMPDIR:-/tmp}/sysmon-$lines.json
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

[[ -s $input ]] || cargo run -q --release -p parallax-generate --example generate -- --format sysmon-json --rows "$lines" "$input"

names=(json anchor regex)
sumo=(
  '* | json "EventID", "Image" as id, image | where id = "1" | count by image'
  '* | parse "\"Image\":\"*\"" as image | count by image'
  '* | parse regex "\"EventID\":(?<id>[0-9]+),.*\"User\":\"(?<user>[^\"]+)\"" | count by user'
)
grinder=(
  '* | json | where EventID == 1 | count by Image'
  '* | parse "\"Image\":\"*\"" as image | count by image'
  '* | parse regex "\"EventID\":(?P<id>[0-9]+),.*\"User\":\"(?P<user>[^\"]+)\"" | count by user'
)

# Runs a command; its wall and CPU seconds go to a file, what it prints to another.
timed() {
  local times=$1 out=$2; shift 2
  local TIMEFORMAT='%R %U %S'
  { time "${pin[@]}" "$@" > "$out" 2> /dev/null; } 2>> "$times"
}
median() { awk "{ print $1 }" "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# The counts, whatever the layout.
counts() { grep -oE '[0-9]+ *$' "$1" | tr -d ' ' | sort -n; }

printf '%-8s %14s %14s %14s %14s %8s %8s  %s\n' query 'parallax wall' 'parallax CPU' 'agrind wall' 'agrind CPU' wall CPU same
for i in 0 1 2; do
  for ((run = 0; run <= runs; run++)); do
    timed "$work/p$i" "$work/p.out" "$parallax" query --sumo "${sumo[$i]}" --input "$input" -q
    timed "$work/a$i" "$work/a.out" "$agrind" "${grinder[$i]}" -f "$input"
    # The first pair warms the cache.
    ((run == 0)) && rm -f "$work/p$i" "$work/a$i"
  done
  same=no; [[ $(counts "$work/p.out") == "$(counts "$work/a.out")" ]] && same=yes
  pw=$(median '$1' "$work/p$i") pc=$(median '$2 + $3' "$work/p$i")
  aw=$(median '$1' "$work/a$i") ac=$(median '$2 + $3' "$work/a$i")
  printf '%-8s %14s %14s %14s %14s %8s %8s  %s\n' "${names[$i]}" "$pw" "$pc" "$aw" "$ac" \
    "$(awk "BEGIN { printf \"%.1f\", $aw / $pw }")" "$(awk "BEGIN { printf \"%.1f\", $ac / $pc }")" "$same"
done
