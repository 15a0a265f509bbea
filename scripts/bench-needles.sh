#!/usr/bin/env bash
# What passing over events costs and saves in each format: CPU seconds of two binaries in pairs, with the same rows.
#
#   scripts/bench-needles.sh OLD NEW FOLDER [RUNS] [CORE]
#
# FOLDER holds inputs, as `--example generate` of parallax-generate makes them (--format sysmon-xml, sysmon-linux, syslog,
# --table process with .csv and .jsonl). Each is read by the published KQL and Sumo queries of Lua and by a hunting query.
set -euo pipefail
old=$1 new=$2 folder=$3 runs=${4:-3} core=${5:-0}
here=$(cd "$(dirname "$0")/.." && pwd)
kql=$here/packs/T1059.011/published/sentinel.kql
sumo=$here/packs/T1059.011/published/sumo.sumo
hunt='union isfuzzy=true (DeviceProcessEvents | where ProcessCommandLine matches regex @"(?i)\bos\.execute\(" or tostring(split(FolderPath, "\\")[-1]) =~ "luajit.exe" | project W=ProcessCommandLine), (Syslog | where SyslogMessage has "luajit" or SyslogMessage matches regex "os\\.execute" | project W=SyslogMessage)'
cpu() { # binary, input, query arguments…
    local binary=$1 input=$2
    shift 2
    /usr/bin/time -f '%U %S' -o /tmp/bench-needles.time taskset -c "$core" "$binary" query "$@" --now 2030-01-01 --input "$input" --format csv -q --threads 1 > "/tmp/bench-needles.$(basename "$binary")" || true
    awk '{printf "%.2f", $1 + $2}' /tmp/bench-needles.time
}
median() { sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }
for input in "$folder"/*; do
    for query in kql sumo hunt; do
        case $query in
            kql) arguments=(-f "$kql") ;;
            sumo) arguments=(-f "$sumo") ;;
            hunt) arguments=(--kql "$hunt") ;;
        esac
        before=() after=()
        for _ in $(seq "$runs"); do
            before+=("$(cpu "$old" "$input" "${arguments[@]}")")
            md5sum < "/tmp/bench-needles.$(basename "$old")" > /tmp/bench-needles.sum
            after+=("$(cpu "$new" "$input" "${arguments[@]}")")
            md5sum -c --quiet /tmp/bench-needles.sum < "/tmp/bench-needles.$(basename "$new")" || echo "$input $query: the rows differ" >&2
        done
        b=$(printf '%s\n' "${before[@]}" | median) a=$(printf '%s\n' "${after[@]}" | median)
        echo "$(basename "$input") $(($(stat -c %s "$input") / 1000000)) MB  $query  $b s  $a s"
    done
done
