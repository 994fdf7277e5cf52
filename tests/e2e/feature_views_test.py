"""Feature views declared in a folder: served beside the built-in ones, kept in versions, refused when they are wrong."""
import json
import subprocess

import pytest

from platform_under_test import BUILD, TOP, Platform, free_port, wait_until

DECLARATION = {
    "name": "runner_shift", "version": 1, "description": "Runners near a geo.", "owner": "dispatch",
    "entities": [{"name": "geo", "join_key": "geo"}, {"name": "shift", "join_key": "shift", "type": "int64"}],
    "ttl_s": 0, "source": {"kind": "push", "name": "runner_positions"}, "tags": {"grain": "minute"},
    "features": [{"name": "free", "type": "int64", "description": "Runners without an order."},
                 {"name": "order", "type": "string", "description": "A name that SQL has too."},
                 {"name": "nearest", "type": "string", "description": "Runner.", "online_only": True}],
}
FREE, ORDER, NEAREST = DECLARATION["features"]


def declare(folder, file="runner_shift.json", **changes):
    (folder / file).write_text(json.dumps(DECLARATION | changes))


def waits_for(platform, words):
    """Whether the feature store says that it is not ready, with these words."""
    answer = platform.get("feature-store", "/readyz")
    return answer.status_code == 503 and words in answer.text


@pytest.fixture
def store(tmp_path, request):
    folder = tmp_path / "views"
    folder.mkdir()
    declare(folder)
    platform = Platform(request.node.name[:40], tmp_path, RUSHCAST_FEATURE_VIEWS=str(folder))
    platform.start("feature-store")
    wait_until("the views to be applied", lambda: platform.answers("feature-store") and platform.scalar(
        "SELECT to_regclass('features.view') IS NOT NULL") and platform.scalar("SELECT count(*) FROM features.view"))
    yield platform, folder
    platform.stop_all()


def restart(platform):
    platform.stop("feature-store")
    platform.start("feature-store")


def columns(platform, table):
    return [name for name, in platform.query(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 4 ORDER BY attnum",
        f"features.{table}")]


def test_versions_side_by_side_and_an_export_of_each(store):
    platform, folder = store
    assert columns(platform, "runner_shift_v1") == ["free", "order"]
    declare(folder, features=[FREE | {"type": "float64"}, ORDER, NEAREST])
    restart(platform)
    wait_until("the change to be refused", lambda: waits_for(platform, "needs version 2"), 30)
    declare(folder, "second.json", version=2, features=[FREE | {"type": "float64"}])
    declare(folder, features=[ORDER, FREE, NEAREST, FREE | {"name": "added", "type": "timestamp"}])
    restart(platform)
    wait_until("both versions", lambda: platform.scalar(
        "SELECT count(*) FROM features.view WHERE name = 'runner_shift'") == 2, 30)
    assert columns(platform, "runner_shift_v1") == ["free", "order", "added"]
    assert columns(platform, "runner_shift_v2") == ["free"]
    views = platform.json("feature-store", "/feature-views")["feature_views"]
    assert {("geo_demand", 1), ("runner_shift", 1), ("runner_shift", 2)} <= {(v["name"], v["version"]) for v in views}
    assert platform.json("feature-store", "/feature-views/runner_shift")["version"] == 2
    export = "/feature-views/runner_shift/export"
    answer = platform.get("feature-store", f"{export}?version=1")
    assert answer.text == "geo,shift,event_timestamp,order,free,added\n"
    assert platform.get("feature-store", f"{export}?version=1&features=nearest").status_code == 400
    assert platform.get("feature-store", f"{export}?geo=a").status_code == 400, "a key is missing"
    assert platform.get("feature-store", f"{export}?geo=a&shift=x").status_code == 400
    assert platform.get("feature-store", f"{export}?geo=a&shift=7").status_code == 404
    assert platform.json("feature-store", "/feature-views/runner_shift/statistics?version=1")["rows"] == 0


def test_an_export_has_the_keys_and_the_types(store):
    platform, _ = store
    platform.query("SELECT features.ensure_months('runner_shift_v1', '2026-06-01', '2026-06-01')")
    platform.query("""WITH entity AS (INSERT INTO features.entity (kind, key) VALUES ('geo,shift', 'a' || chr(31) || '7')
                      RETURNING entity_id), row AS (INSERT INTO features.runner_shift_v1 SELECT entity_id,
                      '2026-06-01T10:00:00.5Z', 1, now(), 3, 'x,y' FROM entity RETURNING 1)
                      UPDATE features.progress SET recorded_seq = 1 WHERE feature_view = 'runner_shift_v1' RETURNING 1""")
    answer = platform.get("feature-store", "/feature-views/runner_shift/export?geo=a&shift=7&to=2026-06-02T00:00:00Z")
    assert answer.text == 'geo,shift,event_timestamp,free,order\na,7,2026-06-01T10:00:00.5Z,3,"x,y"\n'
    assert answer.headers["Rushcast-Cursor"] == "1"


@pytest.mark.parametrize("text, words", [
    ("{", ["broken.json", "line 1"]),
    (json.dumps(DECLARATION | {"features": [FREE | {"type": "int32"}]}), ["broken.json", "/features/0/type", "int32"]),
    (json.dumps(DECLARATION | {"source": {"kind": "sql", "query": "gone.sql", "every_s": 5}}),
     ["broken.json", "/source/query", "gone.sql"]),
    (json.dumps({"name": "x"}), ["broken.json", "version"]),
])
def test_a_broken_file_stops_the_start(tmp_path, text, words):
    (tmp_path / "broken.json").write_text(text)
    done = subprocess.run([BUILD / "rushcast-feature-store"], cwd=TOP, text=True, capture_output=True, timeout=30,
                          env={"RUSHCAST_FEATURE_VIEWS": str(tmp_path), "RUSHCAST_FEATURE_STORE_PORT": str(free_port())})
    assert done.returncode != 0
    for word in words:
        assert word in done.stdout + done.stderr
