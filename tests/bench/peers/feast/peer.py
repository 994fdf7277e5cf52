"""What the bench asks of Feast's SDK: python peer.py REPO apply | materialize BEGIN END | history ENTITIES OUT. Prints
the seconds that the call took as JSON; loading Python and the registry is not part of them."""
import datetime
import json
import sys
import time

import pandas
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
    entities = pandas.read_parquet(arguments[0])
    features = [f"bench_history:f{i:02}" for i in range(20)]
    rows = timed(lambda: store.get_historical_features(entities, features).to_arrow())
    import pyarrow.parquet
    pyarrow.parquet.write_table(rows, arguments[1])
else:
    raise SystemExit(__doc__)
