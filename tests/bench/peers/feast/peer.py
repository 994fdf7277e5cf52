"""What the bench asks of Feast's SDK: python peer.py REPO apply | materialize BEGIN END | history ENTITIES.csv
OUT.parquet | compare A.arrows B.parquet. Prints the seconds that the call took as JSON; loading Python and the registry
is not part of them."""
import datetime
import json
import sys
import time

import pandas
import pyarrow
import pyarrow.parquet
from feast import FeatureStore

import definitions

repo, command, *arguments = sys.argv[1:]
store = FeatureStore(repo_path=repo)


def timed(call):
    begun = time.monotonic()
    result = call()
    print(json.dumps({"seconds": time.monotonic() - begun}), flush=True)
    return result


if command == "apply":
    timed(lambda: store.apply([definitions.driver, definitions.bench_online, definitions.bench_history]))
elif command == "materialize":
    begin, end = (datetime.datetime.fromisoformat(text) for text in arguments)
    store.refresh_registry()
    timed(lambda: store.materialize(begin, end, feature_views=["bench_online"], disable_event_timestamp=False))
elif command == "history":
    entities = pandas.read_csv(arguments[0], parse_dates=["event_timestamp"])
    features = [f"bench_history:f{i:02}" for i in range(20)]
    rows = timed(lambda: store.get_historical_features(entities, features).to_arrow())
    pyarrow.parquet.write_table(rows, arguments[1])
elif command == "compare":
    with open(arguments[0], "rb") as stream:
        ours = pyarrow.ipc.open_stream(stream).read_all()
    keys, features = ["driver", "event_timestamp"], [f"f{i:02}" for i in range(20)]
    frames = []
    for table in (ours, pyarrow.parquet.read_table(arguments[1])):
        frame = table.to_pandas()[keys + features]
        frame["event_timestamp"] = pandas.to_datetime(frame["event_timestamp"], utc=True).astype("datetime64[us, UTC]")
        frames.append(frame.sort_values(keys + features, ignore_index=True))
    pandas.testing.assert_frame_equal(*frames, check_exact=True)
    timed(lambda: None)
else:
    raise SystemExit(__doc__)
