"""What the `bench-…` scripts share: runs in turns, the same columns, inputs from the generator.

A case is one piece of work that several programs do. All of them run once to warm the cache, then in turns, so that what else
the machine does meets them alike. Printed are the medians of wall and CPU seconds (user and system), MB of input a CPU
second, the highest peak of memory, what was found, and the ratios to the first program, Parallax: over 1 it is the faster.
"""

import argparse, os, shutil, statistics, subprocess, sys, tempfile, time
from dataclasses import dataclass, field
from typing import Callable

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = ("case", "program", "wall s", "CPU s", "MB / CPU s", "peak MB", "found", "wall ratio", "CPU ratio")


def lines(path):
    """How many lines a file has."""
    with open(path, "rb") as f:
        return sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))


def rows(path):
    """How many rows CSV without line ends in its values has."""
    return max(lines(path) - 1, 0)


def number(path):
    """A number that stands alone in the output."""
    with open(path) as f:
        return int(f.read().strip() or 0)


@dataclass
class Program:
    name: str
    command: list
    # What it found, from its standard output.
    found: Callable = lines
    # Exit codes that are no failure: ripgrep says 1 where nothing matches.
    fine: tuple = (0,)
    # What it gets into its environment.
    environment: dict = field(default_factory=dict)


@dataclass
class Run:
    wall: float
    cpu: float
    peak: float


@dataclass
class Result:
    wall: float
    cpu: float
    peak: float
    found: object
    runs: list = field(default_factory=list)


def processors(n):
    """The numbers of n processors that this process may use."""
    mine = sorted(os.sched_getaffinity(0))
    if n > len(mine):
        print(f"skipped: {n} processors are wanted, {len(mine)} are there", flush=True)
        return None
    return mine[:n]


def run(program, on, out):
    """One run, pinned to processors; its standard output goes to the file `out`."""
    with open(out, "wb") as stdout, tempfile.TemporaryFile() as stderr:
        begun = time.perf_counter()
        child = subprocess.Popen(
            program.command,
            stdout=stdout,
            stderr=stderr,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **program.environment},
            preexec_fn=lambda: os.sched_setaffinity(0, on),
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in program.fine:
            stderr.seek(0)
            sys.exit(f"{' '.join(program.command)}\nended with {child.returncode}\n{stderr.read().decode(errors='replace')[-2000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def turns(programs, on, rounds):
    """A result for each program."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        found, runs = [], [[] for _ in programs]
        for program in programs:
            run(program, on, out)
            found.append(program.found(out))
        for _ in range(rounds):
            for program, mine in zip(programs, runs):
                mine.append(run(program, on, out))
    median = lambda of, all: statistics.median(of(r) for r in all)
    return [
        Result(median(lambda r: r.wall, mine), median(lambda r: r.cpu, mine), max(r.peak for r in mine), what, mine)
        for what, mine in zip(found, runs)
    ]


def header():
    print("| " + " | ".join(HEADER) + " |\n|" + "---|" * len(HEADER), flush=True)


def row(case, name, result, size, first=None):
    rate = f"{size / 1e6 / result.cpu:,.0f}" if size and result.cpu else ""
    ratios = ["", ""]
    if first:
        # The medians of the ratios within each turn.
        ratio = lambda of: f"{statistics.median(of(t) / max(of(o), 1e-3) for o, t in zip(first.runs, result.runs)):.2f}"
        ratios = [ratio(lambda r: r.wall), ratio(lambda r: r.cpu)]
    cells = [case, name, f"{result.wall:.2f}", f"{result.cpu:.2f}", rate, f"{result.peak:.0f}", str(result.found), *ratios]
    print("| " + " | ".join(cells) + " |", flush=True)


def compare(case, programs, size, cores, rounds, same=True):
    """Measures and prints a case; says where the programs found different numbers."""
    on = processors(cores)
    if not on:
        return None
    results = turns(programs, on, rounds)
    for program, result in zip(programs, results):
        row(case, program.name, result, size, results[0] if result is not results[0] else None)
    if same and len({str(r.found) for r in results}) > 1:
        print(f"  not the same: {', '.join(f'{p.name} {r.found}' for p, r in zip(programs, results))}", flush=True)
    return results


def tool(name, variable=None):
    """The path of a program, by its variable in the environment or by the search path; None, said so, where it is not installed."""
    path = os.environ.get(variable or "", "") or shutil.which(name)
    if not path or not os.path.exists(path):
        print(f"skipped: {name} is not installed" + (f" ({variable} can name it)" if variable else ""), flush=True)
        return None
    return path


def parser(doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", help="where inputs are made, and kept for the next time")
    p.add_argument("--parallax", default=os.path.join(ROOT, "target/release/parallax"), help="our release binary")
    p.add_argument("--rounds", type=int, default=3, help="turns, after one that warms the cache")
    p.add_argument("--only", help="cases whose name holds this")
    return p


def begin(args):
    os.makedirs(args.folder, exist_ok=True)
    args.parallax = os.path.abspath(args.parallax)
    if not os.path.exists(args.parallax):
        sys.exit(f"{args.parallax} is not there: cargo build --release")
    load = os.getloadavg()[0]
    print(f"{args.rounds} turns; load of the machine before: {load:.1f} on {os.cpu_count()} processors", flush=True)
    if load > 0.5:
        print("The machine is busy: go by ratios of CPU seconds.", flush=True)


def generated(args, name, arguments, parquet=False):
    """An input of that name; made where it is not there yet."""
    path = os.path.join(args.folder, name)
    if not os.path.exists(path):
        features = [] if parquet else ["--no-default-features"]
        generate = os.environ.get("GENERATE")
        build = ["cargo", "run", "-q", "--release", "-p", "parallax-generate", *features, "--example", "generate", "--"]
        subprocess.run([*([generate] if generate else build), *arguments, path + ".part" + os.path.splitext(name)[1]], cwd=ROOT, check=True)
        os.rename(path + ".part" + os.path.splitext(name)[1], path)
    return os.path.abspath(path)


def size_of(*paths):
    total = 0
    for path in paths:
        for folder, _, files in os.walk(path) if os.path.isdir(path) else [("", [], [path])]:
            total += sum(os.path.getsize(os.path.join(folder, f)) for f in files)
    return total


def published(name):
    return os.path.join(ROOT, "packs/T1059.011/published", name)
