"""`rushcast backtest` on real hourly histories, scored here and not by itself."""
import gzip
import json
import os
import pathlib
import subprocess

import numpy as np
import pandas as pd
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DATA = TOP.parent / "shared/data"
PROGRAM = pathlib.Path(os.environ["RUSHCAST_TEST_BUILD"]) / "rushcast"
TIMEZONES = {"babs2014": "America/Los_Angeles"}
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


def backtest(history, out, *options):
    done = subprocess.run([PROGRAM, "backtest", "--history", history, "--horizon", "168", "--forecasts", out, *options],
                          capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read(path):
    return pd.read_csv(path, dtype={"geo": str}, parse_dates=["hour_utc"])


def last_week_again(history, forecasts):
    """The repetition of the last week before each cutoff, on the same rows."""
    counts = history.set_index(["geo", "hour_utc"])["count"]
    cutoff = pd.to_datetime(forecasts["cutoff"])
    lead = (forecasts["hour_utc"] - cutoff) // pd.Timedelta(hours=1)
    source = cutoff + pd.to_timedelta((lead - 1) % 168 + 1 - 168, unit="h")
    return counts.reindex(pd.MultiIndex.from_arrays([forecasts["geo"], source])).fillna(0).to_numpy()


def scores(y, mean, quantiles):
    pinball = sum(np.maximum(t * (y - quantiles[k]), (t - 1) * (y - quantiles[k])).sum() for k, t in QUANTILES.items())
    return {"wape": np.abs(y - quantiles["p50"]).sum() / y.sum(), "rmse": np.sqrt(((mean - y) ** 2).mean()),
            "wql": 2 * pinball / 3 / y.sum()}


@pytest.mark.parametrize("name", ["babs2014", "jonas_dc_taxi", "jonas_dc_bike"])
def test_beats_last_week_again(name, tmp_path):
    path, out = DATA / f"{name}_hourly.csv.gz", tmp_path / "forecasts.csv"
    summary = backtest(path, out, "--cutoffs", "6", "--step", "168", "--timezone", TIMEZONES.get(name, "UTC"))
    assert summary
    history = read(path)
    rows = read(out).merge(history, on=["geo", "hour_utc"])
    assert len(rows) == 6 * 168 * history["geo"].nunique()
    y, naive = rows["count"].to_numpy(float), last_week_again(history, rows)
    ours = scores(y, rows["mean"], rows)
    theirs = scores(y, naive, {k: naive for k in QUANTILES})
    for measure, value in ours.items():
        assert value < theirs[measure], (measure, ours, theirs)


def test_nothing_after_a_cutoff_is_looked_at(tmp_path):
    """The forecasts of a cutoff stay the same to the byte when the file ends there (plus the horizon it is scored on)."""
    path, whole, cut = DATA / "jonas_dc_taxi_hourly.csv.gz", tmp_path / "whole.csv", tmp_path / "cut.csv"
    backtest(path, whole, "--cutoffs", "2", "--step", "168")
    early = sorted({line.split(",")[1] for line in whole.read_text().splitlines()[1:]})[0]
    end = pd.Timestamp(early) + pd.Timedelta(hours=168)
    shorter = tmp_path / "shorter.csv"
    with gzip.open(path, "rt") as source, shorter.open("w") as out:
        out.write(next(source))
        for line in source:
            if pd.Timestamp(line.split(",")[1]) <= end:
                out.write(line if pd.Timestamp(line.split(",")[1]) <= pd.Timestamp(early)
                          else line.rsplit(",", 1)[0] + ",0\n")
    backtest(shorter, cut, "--cutoffs", "1")
    of_early = [line for line in whole.read_text().splitlines() if line.split(",")[1] == early]
    assert of_early == cut.read_text().splitlines()[1:]
