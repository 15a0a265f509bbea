#!/usr/bin/env bash
# Published Sigma rules over recorded events, in turn with rsigma (0.23) on the same files.
#
#   scripts/bench-sigma.sh SIGMA EVTX [RUNS]
#
# SIGMA is a checkout of SigmaHQ/sigma, EVTX one of Yamato-Security/hayabusa-sample-evtx. The rules are those of
# rules/windows/process_creation; the inputs are the EVTX files, and MEGABYTES (340) of the process creations in them as
# flat JSON lines, as collectors forward them. RSIGMA names the other program (built with its feature `evtx`), RULES ours
# (the example `rules` of crates/engine), CPUS (as taskset takes them) the processors. One thread each.
#
# Prints the medians of CPU and wall seconds with start-up, peak memory, the ratios of the medians and how many matches
# each found; then each rule of which they found different numbers in the JSON lines. Of EVTX the numbers differ by
# design: rsigma is told to look at Sysmon's process creations alone, for its rules do not know their log sources there.
set -euo pipefail
sigma=${1:?SIGMA} evtx=${2:?EVTX} runs=${3:-5}
cd "$(dirname "$0")/.."
rules=$sigma/rules/windows/process_creation
ours=${RULES:-target/release/examples/rules} theirs=${RSIGMA:-rsigma}
pin=(); [[ -n "${CPUS:-}" ]] && pin=(taskset -c "$CPUS")
lines=${TMPDIR:-/tmp}/process-${MEGABYTES:-340}.jsonl
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

[[ -x $ours ]] || cargo build -q --release -p parallax-engine --example rules
[[ -s $lines ]] ||
  cargo run -q --release -p parallax-telemetry --example process_lines -- "$evtx" "${MEGABYTES:-340}000000" > "$lines"

cat > "$work/records.yml" <<'YAML'
name: fields of EVTX records
priority: 10
transformations:
  - id: data
    type: field_name_prefix
    prefix: "Event.EventData."
  - id: sysmon
    type: add_condition
    conditions:
      Event.System.EventID: 1
      Event.System.Channel: Microsoft-Windows-Sysmon/Operational
YAML

# Runs a command; its seconds and memory go to a file, what it prints to another.
timed() {
  local times=$1 out=$2; shift 2
  "${pin[@]}" /usr/bin/time -a -o "$times" -f '%e %U %S %M' "$@" > "$out" 2> "$out.err" || true
}
median() { awk "{ print $1 }" "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk "BEGIN { printf \"%.1f\", $2 / $1 }"; }

pairs() {
  local name=$1; shift
  for ((run = 0; run <= runs; run++)); do
    timed "$work/$name.o" "$work/$name.ours" "$ours" --list "$rules" -- "$input"
    timed "$work/$name.t" "$work/$name.theirs" "$theirs" "$@"
    # The first pair warms the cache.
    ((run == 0)) && rm -f "$work/$name.o" "$work/$name.t"
  done
  local oc tc ow tw om tm
  oc=$(median '$2 + $3' "$work/$name.o") tc=$(median '$2 + $3' "$work/$name.t")
  ow=$(median '$1' "$work/$name.o") tw=$(median '$1' "$work/$name.t")
  om=$(median '$4' "$work/$name.o") tm=$(median '$4' "$work/$name.t")
  printf '%-6s %9s %9s %7s %9s %9s %7s %9s %9s %9s %9s\n' "$name" "$oc" "$tc" "$(ratio "$oc" "$tc")" "$ow" "$tw" \
    "$(ratio "$ow" "$tw")" "$((om / 1024)) MB" "$((tm / 1024)) MB" "$ours_found" "$theirs_found"
}

# What was found is counted from the first pair's output, which every later one repeats.
fires() { grep -oE '"fires":[0-9]+' "$1" | cut -d: -f2 | awk '{ n += $1 } END { print n + 0 }'; }
count() {
  input=$lines; timed /dev/null "$work/j.ours" "$ours" --list "$rules" -- "$input"
  timed /dev/null "$work/j.theirs" "$theirs" engine eval --input-format json -r "$rules" -e "@$lines"
  input=$evtx; timed /dev/null "$work/e.ours" "$ours" --list "$rules" -- "$input"
  timed /dev/null "$work/e.theirs" "$theirs" rule backtest -r "$rules" -p "$work/records.yml" --corpus "$evtx" --unexpected ignore
}
count

printf '%-6s %9s %9s %7s %9s %9s %7s %9s %9s %9s %9s\n' input 'CPU ours' 'rsigma' ratio 'wall ours' 'rsigma' ratio \
  'peak ours' 'rsigma' 'matches' 'rsigma'
ours_found=$(wc -l < "$work/j.ours") theirs_found=$(wc -l < "$work/j.theirs") input=$lines
pairs json engine eval --input-format json -r "$rules" -e "@$lines"
ours_found=$(wc -l < "$work/e.ours") theirs_found=$(fires "$work/e.theirs") input=$evtx
pairs evtx rule backtest -r "$rules" -p "$work/records.yml" --corpus "$evtx" --unexpected ignore

echo
echo 'rules with different numbers of matches in the JSON lines (rule, ours, rsigma):'
join -a 1 -a 2 -e 0 -o 0,1.2,2.2 \
  <(cut -f 1 "$work/j.ours" | sort | uniq -c | awk '{ print $2, $1 }' | sort) \
  <(grep -oE '"rule_id":"[^"]+"' "$work/j.theirs" | cut -d '"' -f 4 | sort | uniq -c | awk '{ print $2, $1 }' | sort) |
  awk '$2 != $3'
