#!/bin/bash
# Ingesting, and the same queries over the files and over the store, in turn: CPU seconds, wall seconds, peak memory.
#
#   scripts/bench-ingest.sh INPUT STORE [RUNS]
#
# INPUT is a file or folder of telemetry, STORE a folder that is made anew. PARALLAX names the program (by default the
# release build), THREADS how many threads are used. Answers are compared; one that differs is told.
set -eu
cd "$(dirname "$0")/.."
input=$1 store=$2 runs=${3:-3} threads=${THREADS:-1}
parallax=${PARALLAX:-target/release/parallax}
pack=packs/T1059.011
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# Runs a command, its output into a file; tells CPU seconds, wall seconds and megabytes at the peak.
timed() {
    local out=$1; shift
    /usr/bin/time -f '%U %S %e %M' -o "$work/time" "$@" >"$out" 2>"$work/said" || true
    tail -1 "$work/time" | awk '{printf "%.2f %.2f %d\n", $1 + $2, $3, $4 / 1024}'
}
median() { sort -n | awk '{a[NR] = $0} END {print a[int((NR + 1) / 2)]}'; }

rm -rf "$store"
bytes=$(du -sbL "$input" | cut -f1)
read -r cpu wall peak < <(timed "$work/none" "$parallax" ingest -i "$input" -o "$store" --threads "$threads" -q)
kept=$(du -sb "$store" | cut -f1)
originals=$(du -cb "$store"/*/originals.zst | tail -1 | cut -f1)
awk -v b="$bytes" -v k="$kept" -v o="$originals" -v c="$cpu" -v w="$wall" -v p="$peak" 'BEGIN {
    printf "ingest: %.0f MB, %.2f s of CPU (%.0f MB a second), %.2f s, %d MB at the peak\n", b / 1e6, c, b / 1e6 / c, w, p
    printf "store:  %.1f MB (%.1f %% of the files): originals %.1f MB, tables %.1f MB\n", k / 1e6, 100 * k / b, o / 1e6, (k - o) / 1e6
}'

ask() { # name, arguments
    local name=$1; shift
    local raw=() stored=() same="same answer"
    for _ in $(seq "$runs"); do
        raw+=("$(timed "$work/raw" "$parallax" "$@" --threads "$threads" -q -i "$input")")
        stored+=("$(timed "$work/stored" "$parallax" "$@" --threads "$threads" -q -i "$store")")
    done
    cmp -s "$work/raw" "$work/stored" || same="ANSWERS DIFFER"
    printf '%-28s files %s   store %s   (CPU, wall, MB)  %s\n' "$name" \
        "$(printf '%s\n' "${raw[@]}" | median)" "$(printf '%s\n' "${stored[@]}" | median)" "$same"
}
now=(--now latest --format csv)
ask "published KQL" query -f $pack/published/sentinel.kql "${now[@]}"
ask "… of an empty time" query -f $pack/published/sentinel.kql --now 2035-01-01 --format csv
ask "published Sumo" query -f $pack/published/sumo.sumo "${now[@]}"
ask "one program's rows" query --kql 'DeviceProcessEvents | where FileName == "lua.exe" | project Timestamp, DeviceName, ProcessCommandLine' "${now[@]}"
ask "count by program" query --kql 'DeviceProcessEvents | summarize count() by FileName | top 10 by count_' "${now[@]}"
ask "a host that is not there" query --kql 'DeviceProcessEvents | where DeviceName == "no-such-host"' "${now[@]}"
ask "an hour" query --kql 'DeviceProcessEvents | where Timestamp > ago(1h) | summarize count() by DeviceName | top 5 by count_' "${now[@]}"
for hunt in $pack/hunts/*.kql $pack/hunts/*.sumo; do ask "hunt $(basename "$hunt")" query -f "$hunt" "${now[@]}"; done
ask "detect, the pack" detect $pack --format ndjson
