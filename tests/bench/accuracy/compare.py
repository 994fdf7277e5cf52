"""Prints the scores of `rushcast backtest` as ratios to its peers' (above 1: ours is better).

    compare.py FOLDER SET...

FOLDER holds SET.scores.jsonl as score.py prints it.
"""
import json
import math
import pathlib
import platform
import subprocess
import sys

FIGURES = (("wql_vs_median6", "wql", "median6"), ("wape_vs_median6", "wape", "median6"), ("rmse_vs_mean4", "rmse", "mean4"))


def print_figure(bench, ours, other, ratio, n):
    version = subprocess.run(["build/rushcast", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    print(json.dumps({"bench": bench, "ours": ours, "other": other, "unit": "score", "ratio": round(ratio, 4), "n": n,
                      "versions": f"{version}, Python {platform.python_version()}", "commit": commit.stdout.strip()}))


def main(folder, sets):
    ratios = {bench: [] for bench, _, _ in FIGURES}
    for name in sets:
        lines = pathlib.Path(folder, f"{name}.scores.jsonl").read_text().splitlines()
        scores = {score["model"]: score for score in map(json.loads, lines)}
        for bench, measure, peer in FIGURES:
            ours, other = scores["rushcast"][measure], scores[peer][measure]
            ratios[bench].append(other / ours)
            print_figure(f"{bench}/{name}", ours, other, other / ours, scores["rushcast"]["rows"])
    for bench, values in ratios.items():
        print_figure(bench, None, None, math.exp(sum(map(math.log, values)) / len(values)), len(values))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
